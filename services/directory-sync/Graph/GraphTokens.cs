using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Microsoft.Identity.Client;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Graph;

/// <summary>
/// App-only tokens for clients' directories, by the application's certificate. One MSAL application serves all
/// directories and caches a token for each.
/// </summary>
public sealed class GraphTokens
{
    private readonly IConfidentialClientApplication application;
    private readonly string[] scopes;

    public GraphTokens(IOptions<GraphOptions> options, GraphHttp http)
    {
        var certificate = X509Certificate2.CreateFromPemFile(options.Value.CertificateFile);
        scopes = [$"{options.Value.BaseUrl.GetLeftPart(UriPartial.Authority)}/.default"];
        application = ConfidentialClientApplicationBuilder
            .Create(options.Value.ClientId)
            .WithCertificate(certificate)
            .WithAuthority(new Uri(options.Value.Authority, "organizations"), validateAuthority: false)
            .WithInstanceDiscovery(false)
            .WithHttpClientFactory(http)
            .Build();
    }

    /// <exception cref="GraphException">Sign-in was refused or could not be reached.</exception>
    public async Task<string> GetAsync(Guid directory, bool fresh, CancellationToken ct)
    {
        try
        {
            var result = await application
                .AcquireTokenForClient(scopes)
                .WithTenantId(directory.ToString())
                .WithForceRefresh(fresh)
                .ExecuteAsync(ct);
            CrashPoints.Reach("after-token");
            return result.AccessToken;
        }
        catch (MsalServiceException e)
        {
            throw Explain(e);
        }
        catch (Exception e) when (e is HttpRequestException or MsalClientException)
        {
            throw new GraphException(
                GraphFailure.Transient,
                "SIGN_IN_UNREACHABLE",
                "Microsoft sign-in does not answer",
                e
            );
        }
    }

    /// <summary>AADSTS codes by meaning; what we don't know is shown, not guessed.</summary>
    private static GraphException Explain(MsalServiceException e)
    {
        var code = Code(e);
        var failure = code switch
        {
            700016 or 7000229 or 65001 or 65004 => GraphFailure.ConsentRemoved,
            7000112 => GraphFailure.DisabledByCustomer,
            53003 or 530035 => GraphFailure.BlockedByPolicy,
            90002 or 900023 => GraphFailure.TenantGone,
            500014 or 650052 or 5000224 => GraphFailure.LicenceLapsed,
            7000215 or 7000222 or 700027 or 70021 => GraphFailure.CredentialBad,
            90055 or 90033 or 90006 => GraphFailure.Transient,
            _ when e.StatusCode == 429 => GraphFailure.Throttled,
            _ when e.StatusCode >= 500 || e.ErrorCode == MsalError.RequestTimeout => GraphFailure.Transient,
            _ => GraphFailure.Unexpected,
        };
        var name = code == 0 ? e.ErrorCode : $"AADSTS{code.ToString(CultureInfo.InvariantCulture)}";
        return new(failure, name, $"sign-in answered {name}", e) { RetryAfter = GraphWaits.Of(e.Headers) };
    }

    private static int Code(MsalServiceException e)
    {
        try
        {
            using var body = JsonDocument.Parse(e.ResponseBody ?? "{}");
            return
                body.RootElement.TryGetProperty("error_codes", out var codes)
                && codes.ValueKind == JsonValueKind.Array
                && codes.GetArrayLength() > 0
                ? codes[0].GetInt32()
                : 0;
        }
        catch (JsonException)
        {
            // A proxy's HTML page, for instance; the status decides.
            return 0;
        }
    }
}
