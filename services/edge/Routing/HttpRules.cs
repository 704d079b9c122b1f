using System.Globalization;
using Rollcall.Platform;

namespace Rollcall.Edge;

/// <summary>What every HTTP request meets that is not gRPC: strict headers, a limit per address, a clear word in an outage.</summary>
public sealed partial class HttpRules(RequestDelegate next, CallLimits limits, ILogger<HttpRules> logger)
{
    public async Task InvokeAsync(HttpContext http)
    {
        AddHeaders(http);
        if (Budget(http) is { } budget && limits.RefuseSignIn(budget) is { } wait)
        {
            await RefuseAsync(http, StatusCodes.Status429TooManyRequests, "Too many requests; slow down.", wait);
            return;
        }

        try
        {
            await next(http);
        }
        catch (Exception e)
            when (IsOutage(e) && !http.Response.HasStarted && !http.RequestAborted.IsCancellationRequested)
        {
            LogOutage(http.Request.Path, e);
            http.Response.Clear();
            AddHeaders(http);
            await RefuseAsync(
                http,
                StatusCodes.Status503ServiceUnavailable,
                "Try again in a moment.",
                TimeSpan.FromSeconds(2)
            );
        }
    }

    /// <summary>A malformed or oversized request is an IOException too, but no outage.</summary>
    private static bool IsOutage(Exception e) => e is not BadHttpRequestException && e.IsTransient();

    /// <summary>What anybody may send is limited by address; notifications by themselves, so that they keep nobody from signing in.</summary>
    private static string? Budget(HttpContext http)
    {
        var (path, address) = (http.Request.Path, http.Connection.RemoteIpAddress?.ToString() ?? "");
        return path.StartsWithSegments(OpenIdServer.TokenPath, StringComparison.OrdinalIgnoreCase)
            || path.StartsWithSegments(ConsentCallback.Path, StringComparison.OrdinalIgnoreCase)
                ? address
            : path.StartsWithSegments(GraphWebhook.Path, StringComparison.OrdinalIgnoreCase) ? $"graph {address}"
            : null;
    }

    private static void AddHeaders(HttpContext http)
    {
        var headers = http.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers.CacheControl = "no-store";
        headers["Referrer-Policy"] = "no-referrer";
        headers.ContentSecurityPolicy = "default-src 'none'; frame-ancestors 'none'";
        if (http.Request.IsHttps)
        {
            headers.StrictTransportSecurity = "max-age=31536000";
        }
    }

    /// <summary>In the words of OAuth, which has an error for it: https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1</summary>
    private static Task RefuseAsync(HttpContext http, int status, string description, TimeSpan wait)
    {
        http.Response.StatusCode = status;
        http.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        return http.Response.WriteAsJsonAsync(
            new { error = "temporarily_unavailable", error_description = description },
            http.RequestAborted
        );
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Path}: the database does not answer")]
    private partial void LogOutage(PathString path, Exception e);
}
