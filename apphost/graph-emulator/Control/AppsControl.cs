using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Rollcall.GraphEmulator.Model;
using Rollcall.GraphEmulator.SignIn;

namespace Rollcall.GraphEmulator.Control;

/// <summary>Control of applications: credentials for all tenants, consent and permissions in each.</summary>
public static class AppsControl
{
    public static void Map(RouteGroupBuilder control)
    {
        control.MapGet("/apps", (Emulation e) => e.Apps.Values.Select(Describe));
        control.MapPut("/apps/{id}", Register);
        var tenant = control.MapGroup("/tenants/{t}");
        tenant.MapPost("/consent", GrantConsent);
        tenant.MapPut(
            "/permissions/{name}",
            (string t, string name, Emulation e, string? app) =>
                On(e, t, app, p => p.Granted.TryAdd(Known(name), TimeProvider.System.GetUtcNow()))
        );
        tenant.MapDelete(
            "/permissions/{name}",
            (string t, string name, Emulation e, string? app) => On(e, t, app, p => p.Granted.Remove(name))
        );
        tenant.MapGet("/service-principal", (string t, Emulation e, string? app) => On(e, t, app, _ => true));
        tenant.MapDelete(
            "/service-principal",
            (string t, Emulation e, string? app) => On(e, t, app, p => p.Deleted = true)
        );
        tenant.MapPost(
            "/service-principal/disable",
            (string t, Emulation e, string? app) => On(e, t, app, p => p.Enabled = false)
        );
        tenant.MapPost(
            "/service-principal/enable",
            (string t, Emulation e, string? app) => On(e, t, app, p => p.Enabled = true)
        );
    }

    public static X509Certificate2 ReadCertificate(string pem) => X509Certificate2.CreateFromPem(pem);

    private static object Describe(AppRegistration app) =>
        new
        {
            clientId = app.ClientId,
            hasSecret = app.Secret is not null,
            secretExpired = app.SecretExpired,
            certificates = app.Certificates.Select(certificate => certificate.Thumbprint),
            permissions = app.Permissions,
        };

    /// <summary>Creates or changes a registration; only what the body names is touched.</summary>
    private static IResult Register(string id, JsonElement body, Emulation emulation)
    {
        var app = emulation.Apps.GetOrAdd(id, key => new() { ClientId = key });
        app.Secret = body.TryGetProperty("secret", out var secret) ? secret.GetString() : app.Secret;
        app.SecretExpired = body.TryGetProperty("secretExpired", out var expired)
            ? expired.GetBoolean()
            : app.SecretExpired;
        app.Permissions = body.TryGetProperty("permissions", out var names)
            ? names.Deserialize<List<string>>()!
            : app.Permissions;
        if (body.TryGetProperty("certificates", out var certificates))
        {
            app.Certificates.Clear();
            app.Certificates.AddRange(certificates.EnumerateArray().Select(pem => ReadCertificate(pem.GetString()!)));
        }

        return Results.Json(Describe(app));
    }

    private static IResult GrantConsent(string t, Emulation emulation, string? app)
    {
        var (tenant, clientId) = (emulation.Tenant(t), emulation.App(app));
        var registration =
            emulation.Apps.GetValueOrDefault(clientId) ?? throw ControlException.NotFound($"Application {clientId}");
        Consent.Grant(tenant, registration.ClientId, registration.Permissions);
        return On(emulation, t, clientId, principal => principal.Enabled = true);
    }

    private static IResult On(Emulation emulation, string t, string? app, Func<ServicePrincipal, bool> work) =>
        TenantsControl.Locked(
            emulation.Tenant(t),
            tenant =>
            {
                var principal = emulation.Principal(tenant, app);
                work(principal);
                return Results.Json(Truth.Principal(principal));
            }
        );

    private static string Known(string permission) =>
        GraphPermissions.Roles.ContainsKey(permission)
            ? permission
            : throw ControlException.Bad($"There is no permission '{permission}'.");
}
