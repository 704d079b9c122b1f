using System.Net;
using Microsoft.AspNetCore.WebUtilities;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.SignIn;

/// <summary>
/// Admin consent, v1 and v2: a page for people, or an immediate redirect when the query carries emulator_tenant and
/// emulator_decision.
/// </summary>
public sealed class Consent(Emulation emulation)
{
    private const string GraphScope = "https://graph.microsoft.com/";
    private static readonly string Page = Resources.Read("consent.html");

    public IResult Handle(string tenant, HttpContext context, bool v2)
    {
        var query = context.Request.Query;
        var (clientId, redirect) = (query["client_id"].ToString(), query["redirect_uri"].ToString());
        if (emulation.Apps.GetValueOrDefault(clientId) is not { } app)
        {
            return AadError.Of(700016).ToResult(clientId, tenant, "", null);
        }

        if (!Uri.TryCreate(redirect, UriKind.Absolute, out _))
        {
            return AadError.Of(900144).ToResult(clientId, tenant, "redirect_uri", null);
        }

        var chosen = emulation.Find(query["emulator_tenant"].ToString() is { Length: > 0 } named ? named : tenant);
        return query["emulator_decision"].ToString() switch
        {
            "approve" when chosen is not null => Results.Redirect(Approve(app, chosen, query, v2)),
            "decline" => Results.Redirect(Decline(query, v2)),
            _ => Results.Content(Render(app, chosen, query), "text/html; charset=utf-8"),
        };
    }

    /// <summary>Gives the application its service principal and permissions, adding to earlier ones.</summary>
    public static void Grant(Tenant tenant, string clientId, IEnumerable<string> permissions)
    {
        lock (tenant.Gate)
        {
            if (tenant.ServicePrincipals.GetValueOrDefault(clientId) is not { Deleted: false } principal)
            {
                tenant.ServicePrincipals[clientId] = principal = new(clientId);
            }

            foreach (var permission in permissions)
            {
                principal.Granted.TryAdd(permission, TimeProvider.System.GetUtcNow());
            }
        }
    }

    private string Approve(AppRegistration app, Tenant tenant, IQueryCollection query, bool v2)
    {
        Grant(tenant, app.ClientId, Requested(app, query));
        emulation.Touched = true;
        var answer = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["admin_consent"] = "True",
            ["tenant"] = (tenant.Settings.ConsentRedirectTenant ?? tenant.Id).ToString(),
            ["state"] = Optional(query, "state"),
            ["scope"] = v2 ? string.Join(' ', Requested(app, query).Select(name => GraphScope + name)) : null,
        };
        return QueryHelpers.AddQueryString(query["redirect_uri"].ToString(), answer);
    }

    private static string Decline(IQueryCollection query, bool v2)
    {
        var answer = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["admin_consent"] = v2 ? "True" : null,
            ["error"] = v2 ? "consent_required" : "permission_denied",
            ["error_description"] = v2
                ? "AADSTS65004: User declined to consent to access the app."
                : "The admin canceled the request",
            ["state"] = Optional(query, "state"),
        };
        return QueryHelpers.AddQueryString(query["redirect_uri"].ToString(), answer);
    }

    /// <summary>What /.default stands for, and any Graph permission the scope names.</summary>
    private static List<string> Requested(AppRegistration app, IQueryCollection query)
    {
        var named = query["scope"]
            .ToString()
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(scope => scope.Replace(GraphScope, "", StringComparison.OrdinalIgnoreCase))
            .Where(GraphPermissions.Roles.ContainsKey);
        return [.. app.Permissions.Union(named, StringComparer.Ordinal)];
    }

    private static string? Optional(IQueryCollection query, string name) =>
        query.TryGetValue(name, out var value) ? value.ToString() : null;

    private string Render(AppRegistration app, Tenant? chosen, IQueryCollection query)
    {
        var offered = emulation
            .Tenants.Values.Where(t => chosen is null || t == chosen)
            .OrderBy(t => t.Name, StringComparer.Ordinal);
        var tenants = string.Concat(
            offered.Select(t => $"<option value=\"{t.Id}\">{Html(t.Name)} ({Html(t.Domain)})</option>")
        );
        var permissions = string.Concat(Requested(app, query).Select(name => $"<li>{Html(name)}</li>"));
        var hidden = string.Concat(
            query
                .Where(option => !option.Key.StartsWith("emulator_", StringComparison.Ordinal))
                .Select(o => $"<input type=\"hidden\" name=\"{Html(o.Key)}\" value=\"{Html(o.Value.ToString())}\">")
        );
        return Page.Replace("{tenants}", tenants, StringComparison.Ordinal)
            .Replace("{permissions}", permissions, StringComparison.Ordinal)
            .Replace("{hidden}", hidden, StringComparison.Ordinal)
            .Replace("{app}", Html(app.ClientId), StringComparison.Ordinal);
    }

    private static string Html(string text) => WebUtility.HtmlEncode(text);
}
