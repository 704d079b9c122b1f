using Rollcall.GraphEmulator.Faults;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.SignIn;

/// <summary>POST /{tenant}/oauth2/v2.0/token for client credentials.</summary>
public sealed class TokenEndpoint(Emulation emulation, FaultSchedule faults)
{
    public async Task<IResult> HandleAsync(string tenant, HttpContext context)
    {
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        var found = emulation.Find(tenant);
        var pick = faults.Pick(found?.Id, "POST", context.Request.Path, "", inBatch: false);
        if (await MisbehaveAsync(pick, context) is { } broken)
        {
            return broken;
        }

        var refusal =
            pick.First(FaultKind.Aadsts)?.Aadsts
            ?? CheckTenant(tenant, found)
            ?? CheckRequest(form)
            ?? CheckApp(found!, form["client_id"].ToString())
            ?? CheckCredential(form);
        if (refusal is { } code)
        {
            var correlation = context.Request.Headers["client-request-id"].ToString();
            var missing = Missing(form) ?? "";
            return AadError
                .Of(code)
                .ToResult(form["client_id"].ToString(), tenant, missing, correlation is "" ? null : correlation);
        }

        return Grant(found!, form["client_id"].ToString());
    }

    private static IResult Grant(Tenant tenant, string clientId)
    {
        lock (tenant.Gate)
        {
            var now = TimeProvider.System.GetUtcNow();
            var visible = now - TimeSpan.FromSeconds(tenant.Settings.PermissionDelaySeconds);
            var granted = tenant.ServicePrincipals[clientId].Granted;
            string[] roles = [.. granted.Where(grant => grant.Value <= visible).Select(grant => grant.Key)];
            var seconds = tenant.Settings.AccessTokenSeconds ?? tenant.Random.Next(3600, 5400);
            var token = new AccessToken(tenant.Id, clientId, roles, now, now.AddSeconds(seconds));
            return Results.Json(
                new
                {
                    token_type = "Bearer",
                    expires_in = seconds,
                    ext_expires_in = seconds,
                    access_token = token.Encode(),
                }
            );
        }
    }

    private static int? CheckTenant(string name, Tenant? found) =>
        found is not null ? found.Settings.SignInError
        : Guid.TryParse(name, out _) || name.Contains('.', StringComparison.Ordinal) ? 90002
        : 900023;

    private static int? CheckRequest(IFormCollection form) =>
        Missing(form) is not null ? 900144
        : form["grant_type"] != "client_credentials" ? 70003
        : !form["scope"].ToString().EndsWith("/.default", StringComparison.Ordinal) ? 70011
        : null;

    private static string? Missing(IFormCollection form) =>
        Array.Find(["client_id", "grant_type", "scope"], name => string.IsNullOrEmpty(form[name]));

    private int? CheckApp(Tenant tenant, string clientId)
    {
        if (!emulation.Apps.ContainsKey(clientId))
        {
            return 700016;
        }

        lock (tenant.Gate)
        {
            return tenant.ServicePrincipals.GetValueOrDefault(clientId) switch
            {
                null or { Deleted: true } => tenant.Settings.ServicePrincipalGoneCode,
                { Enabled: false } => 7000112,
                _ => null,
            };
        }
    }

    private int? CheckCredential(IFormCollection form)
    {
        var app = emulation.Apps[form["client_id"].ToString()];
        if (form["client_assertion"].ToString() is { Length: > 0 } assertion)
        {
            return ClientAssertion.Check(app, assertion);
        }

        return form["client_secret"].ToString() switch
        {
            "" => 7000218,
            var secret when secret != app.Secret => 7000215,
            _ => app.SecretExpired ? 7000222 : null,
        };
    }

    private static async Task<IResult?> MisbehaveAsync(FaultPick pick, HttpContext context)
    {
        if (pick.First(FaultKind.Delay, FaultKind.Slow)?.DelayMs is { } ms)
        {
            await Task.Delay(ms, context.RequestAborted);
        }

        var rule = pick.First(FaultKind.Status, FaultKind.Throttle, FaultKind.Html502, FaultKind.Reset, FaultKind.Hang);
        switch (rule?.Kind)
        {
            case null:
                return null;
            case FaultKind.Status:
                return Results.Text("Injected.", statusCode: rule.Status ?? 503);
            case FaultKind.Throttle:
                context.Response.Headers.RetryAfter = rule.RetryAfter?.ToString() ?? "10";
                return AadError.Of(90055).ToResult("", "", "", null);
            case FaultKind.Html502:
                return Results.Content(
                    "<html><body><h1>502 Bad Gateway</h1></body></html>",
                    "text/html",
                    statusCode: 502
                );
            default:
                if (rule.Kind == FaultKind.Hang)
                {
                    await Task.Delay(rule.DelayMs ?? 100_000, context.RequestAborted);
                }

                context.Abort();
                return Results.Empty;
        }
    }
}
