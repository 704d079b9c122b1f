using System.Globalization;

namespace Rollcall.GraphEmulator.SignIn;

/// <summary>A refused sign-in: the AADSTS code with its OAuth error, status and text.</summary>
public sealed record AadError(int Code, string OAuth, string Text)
{
    private static readonly Dictionary<int, AadError> Known = new AadError[]
    {
        new(
            700016,
            "unauthorized_client",
            "Application with identifier '{0}' was not found in the directory '{1}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant."
        ),
        new(
            7000229,
            "invalid_client",
            "The client application {0} is missing service principal in the tenant {1}. See instructions here: https://go.microsoft.com/fwlink/?linkid=2225119"
        ),
        new(
            65001,
            "invalid_grant",
            "The user or administrator has not consented to use the application with ID '{0}'."
        ),
        new(65004, "consent_required", "User declined to consent to access the app."),
        new(7000112, "unauthorized_client", "Application '{0}' is disabled."),
        new(
            90002,
            "invalid_request",
            "Tenant '{1}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."
        ),
        new(
            900023,
            "invalid_request",
            "Specified tenant identifier '{1}' is neither a valid DNS name, nor a valid external domain."
        ),
        new(5000224, "invalid_request", "We are sorry, this resource is not available. The tenant is blocked."),
        new(
            7000215,
            "invalid_client",
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{0}'."
        ),
        new(7000222, "invalid_client", "The provided client secret keys for app '{0}' are expired."),
        new(
            700027,
            "invalid_client",
            "The certificate with identifier used to sign the client assertion is not registered on application '{0}'."
        ),
        new(700023, "invalid_client", "Client assertion audience claim does not match Realm issuer."),
        new(700024, "invalid_client", "Client assertion is not within its valid time range."),
        new(
            7000218,
            "invalid_client",
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
        ),
        new(70021, "invalid_request", "No matching federated identity record found for presented assertion."),
        new(70003, "unsupported_grant_type", "The app requested an unsupported grant type."),
        new(
            500011,
            "invalid_resource",
            "The resource principal named https://graph.microsoft.com was not found in the tenant named {1}."
        ),
        new(
            500014,
            "invalid_resource",
            "The service principal for resource 'https://graph.microsoft.com' is disabled."
        ),
        new(
            650052,
            "invalid_request",
            "The app is trying to access a service that your organization '{1}' lacks a service principal for."
        ),
        new(53003, "invalid_grant", "Access has been blocked by Conditional Access policies."),
        new(530035, "interaction_required", "Access has been blocked by security defaults."),
        new(50194, "invalid_request", "Application '{0}' is not configured as a multi-tenant application."),
        new(
            70011,
            "invalid_scope",
            "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid."
        ),
        new(900144, "invalid_request", "The request body must contain the following parameter: '{2}'."),
        new(90055, "temporarily_unavailable", "The request has been throttled."),
        new(90033, "temporarily_unavailable", "A transient error has occurred. Please try again."),
        new(
            90006,
            "temporarily_unavailable",
            "External ID token from issuer failed: the service is temporarily unavailable."
        ),
    }.ToDictionary(error => error.Code);

    public int Status =>
        OAuth switch
        {
            "invalid_client" => 401,
            "temporarily_unavailable" => 503,
            _ => 400,
        };

    public static AadError Of(int code) =>
        Known.GetValueOrDefault(code) ?? new(code, "invalid_request", "The sign-in was refused.");

    public IResult ToResult(string clientId, string tenant, string parameter, string? correlationId)
    {
        var text = string.Format(CultureInfo.InvariantCulture, Text, clientId, tenant, parameter);
        var time = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        var (trace, correlation) = (
            Guid.CreateVersion7().ToString(),
            correlationId ?? Guid.CreateVersion7().ToString()
        );
        return Results.Json(
            new
            {
                error = OAuth,
                error_description = $"AADSTS{Code}: {text}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {time}",
                error_codes = new[] { Code },
                timestamp = time,
                trace_id = trace,
                correlation_id = correlation,
                error_uri = $"https://login.microsoftonline.com/error?code={Code}",
            },
            statusCode: Status
        );
    }
}
