using Microsoft.Extensions.Primitives;
using Rollcall.GraphEmulator.Faults;
using Rollcall.GraphEmulator.Model;
using Rollcall.GraphEmulator.SignIn;

namespace Rollcall.GraphEmulator.Graph;

/// <summary>One Graph request, whether it came by itself or inside a batch.</summary>
public sealed class GraphCall
{
    public required string Method { get; init; }

    /// <summary>Path after /v1.0, decoded.</summary>
    public required string[] Segments { get; init; }
    public required Dictionary<string, StringValues> Query { get; init; }
    public required Func<string, string?> Header { get; init; }

    /// <summary>Scheme and host the caller used, with /v1.0: what links are made of.</summary>
    public required string BaseUrl { get; init; }
    public required ReadOnlyMemory<byte> Body { get; init; }
    public required AccessToken Token { get; init; }
    public required Tenant Tenant { get; init; }
    public required CancellationToken Aborted { get; init; }
    public bool InBatch { get; init; }

    /// <summary>What the fault schedule wants done to this call.</summary>
    public FaultPick Faults { get; set; } = FaultPick.None;
    public Guid RequestId { get; } = Guid.CreateVersion7();
    public string ClientRequestId => Header("client-request-id") ?? RequestId.ToString();
    public string Path => "/v1.0/" + string.Join('/', Segments);

    public string? Option(string name) => Query.TryGetValue(name, out var value) ? value.ToString() : null;

    public static string[] Split(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Query options by name without regard to case: both $deltatoken and $deltaToken are in use.</summary>
    public static Dictionary<string, StringValues> Parse(string? query) =>
        new(Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(query), StringComparer.OrdinalIgnoreCase);

    public void Require(params ReadOnlySpan<string> anyOf)
    {
        foreach (var permission in anyOf)
        {
            if (Token.Roles.Contains(permission))
            {
                return;
            }
        }

        throw GraphException.Denied();
    }

    public T Find<T>(string id)
        where T : DirectoryObject
    {
        var found = Guid.TryParse(id, out var objectId) ? Tenant.Find(objectId) as T : FindByName(id) as T;
        return found is { State: Existence.Active } ? found : throw GraphException.NotFound(id);
    }

    private User? FindByName(string name)
    {
        var json = JsonText.Of(name);
        return Tenant.Users.Find(user =>
            user.State == Existence.Active
            && (user.Get("userPrincipalName") ?? JsonText.Null).AsSpan().SequenceEqual(json)
        );
    }
}
