using Rollcall.GraphEmulator.Faults;
using Rollcall.GraphEmulator.Model;
using Rollcall.GraphEmulator.SignIn;

namespace Rollcall.GraphEmulator.Graph;

/// <summary>The HTTP side of /v1.0: bearer token in, answer out.</summary>
public sealed class GraphEndpoint(Emulation emulation, Pipeline pipeline, Batch batch)
{
    private const int MaxBody = 4 * 1024 * 1024;

    public async Task HandleAsync(HttpContext context)
    {
        if (Authenticate(context.Request) is not (Tenant, AccessToken) identity)
        {
            using var refusal = Refuse(context);
            await Delivery.SendAsync(context, refusal, FaultPick.None);
            return;
        }

        var request = context.Request;
        var call = new GraphCall
        {
            Method = request.Method,
            Segments = GraphCall.Split(request.Path.Value!["/v1.0".Length..]),
            Query = GraphCall.Parse(request.QueryString.Value),
            Header = name => request.Headers.TryGetValue(name, out var value) ? value.ToString() : null,
            BaseUrl = $"{request.Scheme}://{request.Host}/v1.0",
            Body = await ReadAsync(context),
            Tenant = identity.Tenant,
            Token = identity.Token,
            Aborted = context.RequestAborted,
        };
        var isBatch = call is { Method: "POST", Segments: ["$batch"] };
        var query = request.QueryString.Value ?? "";
        using var answer = await pipeline.AnswerAsync(call, query, isBatch ? batch.AnswerAsync : null);
        await Delivery.SendAsync(context, answer, call.Faults);
    }

    private (Tenant Tenant, AccessToken Token)? Authenticate(HttpRequest request)
    {
        const string scheme = "Bearer ";
        var header = request.Headers.Authorization.ToString();
        var text = header.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) ? header[scheme.Length..] : "";
        var now = TimeProvider.System.GetUtcNow();
        return
            AccessToken.Decode(text) is { } token
            && token.ExpiresAt > now
            && emulation.Tenants.TryGetValue(token.TenantId, out var tenant)
            && token.IssuedAt >= tenant.TokensValidFrom
            ? (tenant, token)
            : null;
    }

    private GraphAnswer Refuse(HttpContext context)
    {
        var id = Guid.CreateVersion7();
        var clientId = context.Request.Headers["client-request-id"].ToString() is { Length: > 0 } given
            ? given
            : id.ToString();
        var message = context.Request.Headers.Authorization.Count == 0 ? "Access token is empty." : null;
        var error = message is null ? FaultAnswers.Unauthorized() : FaultAnswers.Unauthorized(message);
        var answer = error.ToAnswer(id, clientId, emulation.Clock);
        answer.Headers.Add(("request-id", id.ToString()));
        answer.Headers.Add(("client-request-id", clientId));
        answer.Headers.Add(("x-ms-resource-unit", "1"));
        answer.Headers.Add(
            (
                "WWW-Authenticate",
                "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\""
            )
        );
        return answer;
    }

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpContext context)
    {
        if (HttpMethods.IsGet(context.Request.Method))
        {
            return default;
        }

        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        return body.Length <= MaxBody ? body.ToArray() : throw new BadHttpRequestException("Body too large.", 413);
    }
}
