using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;

namespace Rollcall.Edge;

/// <summary>The pages an administrator may see after consenting: plain words, no script, nothing of the tenant but its name here.</summary>
public static class ConsentPage
{
    private const string Style =
        "body{font:1.1rem/1.6 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1.5rem;color:#1c2430}"
        + "h1{font-size:1.6rem}";

    /// <summary>The page's own style and nothing else.</summary>
    private static readonly string Policy =
        $"default-src 'none'; style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)))}'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    public static IResult LinkInvalid { get; } =
        Page(
            StatusCodes.Status400BadRequest,
            "This link can't be used",
            "It was used before, is more than an hour old, or is incomplete.",
            "Ask your IT provider for a new one."
        );

    public static IResult TryAgain { get; } =
        Page(
            StatusCodes.Status503ServiceUnavailable,
            "We couldn't finish just now",
            "Nothing was lost, and nothing was changed in your directory.",
            "Reload this page in a minute. If it stays, tell your IT provider."
        );

    public static IResult Connected(string client) =>
        Page(
            StatusCodes.Status200OK,
            $"{client} is connected",
            "Thank you. The first read of your directory has begun.",
            "You can close this page."
        );

    public static IResult Declined(string client) =>
        Page(
            StatusCodes.Status200OK,
            $"{client} is not connected",
            "The request was declined, so nothing was connected and nothing was read.",
            "If that was a mistake, ask your IT provider for a new link."
        );

    public static IResult Failed(string client, string problem, string remedy) =>
        Page(StatusCodes.Status200OK, $"{client} is not connected yet", problem, remedy);

    private static PageResult Page(int status, string title, params IEnumerable<string> paragraphs)
    {
        var encode = HtmlEncoder.Default;
        var body = string.Concat(paragraphs.Where(p => p.Length > 0).Select(p => $"<p>{encode.Encode(p)}</p>"));
        return new(
            status,
            $"""
            <!doctype html>
            <html lang="en">
            <head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{encode.Encode(
                title
            )}</title><style>{Style}</style></head>
            <body><main><h1>{encode.Encode(title)}</h1>{body}</main></body>
            </html>
            """
        );
    }

    private sealed class PageResult(int status, string html) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            var response = httpContext.Response;
            response.StatusCode = status;
            response.ContentType = "text/html; charset=utf-8";
            response.Headers.ContentSecurityPolicy = Policy;
            return response.WriteAsync(html, httpContext.RequestAborted);
        }
    }
}
