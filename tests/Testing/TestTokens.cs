using System.Security.Claims;
using System.Security.Cryptography;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Rollcall.Platform;

namespace Rollcall.Testing;

/// <summary>Access tokens as edge issues them, signed with a key of the tests.</summary>
public static class TestTokens
{
    public const string Issuer = "https://rollcall.example/";
    public static readonly SecurityKey Key = new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>Of everybody but services.</summary>
    public const string Subject = "tester";

    public static string MspAdmin(Guid msp) => Create("msp-admin", msp, ["*"]);

    public static string Technician(Guid msp, params Guid[] clients) => Create("msp-technician", msp, Ids(clients));

    public static string Viewer(Guid msp, params Guid[] clients) => Create("client-viewer", msp, Ids(clients));

    public static string Approver(Guid msp, params Guid[] clients) => Create("client-approver", msp, Ids(clients));

    public static string Partner(Guid msp, string scopes, params Guid[] clients) =>
        Create(Caller.PartnerRole, msp, clients is [] ? ["*"] : Ids(clients), scopes);

    public static string PlatformAdmin() => Create("platform-admin", msp: null, []);

    /// <summary>A service names the MSP it works for in the rollcall-msp header: see <see cref="ServiceFixture{T,TContext}"/>.</summary>
    public static string Service(string name) => Create(Caller.ServiceRole, msp: null, [], subject: name);

    private static string Create(
        string role,
        Guid? msp,
        IEnumerable<string> clients,
        string? scopes = null,
        string subject = Subject
    )
    {
        List<Claim> claims =
        [
            new(Caller.Claims.Subject, subject),
            new(Caller.Claims.Role, role),
            .. clients.Select(c => new Claim(Caller.Claims.Clients, c)),
        ];
        if (msp is { } id)
        {
            claims.Add(new(Caller.Claims.Msp, id.ToString()));
        }

        if (scopes is not null)
        {
            claims.Add(new(Caller.Claims.Scope, scopes));
        }

        // The clock of a token is the real one, whatever the service under test believes.
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        return new JsonWebTokenHandler().CreateToken(
            new SecurityTokenDescriptor
            {
                Issuer = Issuer,
                Audience = ServiceHost.Audience,
                Subject = new(claims),
                NotBefore = now.AddMinutes(-1),
                Expires = now.AddHours(1),
                SigningCredentials = new(Key, SecurityAlgorithms.EcdsaSha256),
            }
        );
    }

    private static IEnumerable<string> Ids(IEnumerable<Guid> clients) => clients.Select(c => c.ToString());
}
