using Grpc.Core;
using Rollcall.Api.Directory.V1;

namespace Rollcall.Edge;

/// <summary>Where Entra sends an administrator's browser after consent; directory-sync judges, this answers the person.</summary>
public sealed partial class ConsentCallback(
    ConnectionService.ConnectionServiceClient connections,
    ILogger<ConsentCallback> logger
)
{
    public const string Path = "/consent/callback";

    /// <summary>A fresh consent takes Entra a while to honour.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Nothing Entra sends is longer; anything longer is not from Entra.</summary>
    private const int MaxLength = 4_000;

    public async Task<IResult> AnswerAsync(HttpContext http)
    {
        var query = http.Request.Query;
        if (Value(query, "state") is not { Length: > 0 } state)
        {
            return ConsentPage.LinkInvalid;
        }

        var request = new CompleteConsentRequest
        {
            State = state,
            TenantId = Value(query, "tenant"),
            Error = Value(query, "error"),
            ErrorDescription = Value(query, "error_description"),
            GrantedScope = Value(query, "scope"),
        };
        try
        {
            var answer = await connections.CompleteConsentAsync(
                request,
                deadline: TimeProvider.System.GetUtcNow().UtcDateTime + Patience,
                cancellationToken: http.RequestAborted
            );
            return answer.Connected ? ConsentPage.Connected(answer.ClientDisplayName)
                : request.Error == "access_denied" ? ConsentPage.Declined(answer.ClientDisplayName)
                : ConsentPage.Failed(answer.ClientDisplayName, answer.Problem, answer.Remedy);
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.InvalidArgument or StatusCode.NotFound)
        {
            return ConsentPage.LinkInvalid;
        }
        catch (RpcException e) when (!http.RequestAborted.IsCancellationRequested)
        {
            LogFailure(e.StatusCode, e);
            return ConsentPage.TryAgain;
        }
    }

    private static string Value(IQueryCollection query, string name) =>
        query[name] is [{ Length: <= MaxLength } value] ? value : "";

    [LoggerMessage(Level = LogLevel.Warning, Message = "A consent could not be completed: {Code}")]
    private partial void LogFailure(StatusCode code, Exception e);
}
