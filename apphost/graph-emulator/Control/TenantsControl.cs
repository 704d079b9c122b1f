using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Rollcall.GraphEmulator.Model;
using Rollcall.GraphEmulator.Seeding;
using Rollcall.GraphEmulator.SignIn;

namespace Rollcall.GraphEmulator.Control;

/// <summary>What a new tenant is made of; everything optional.</summary>
public sealed record NewTenant
{
    public Guid? Id { get; init; }
    public string? Name { get; init; }
    public string? Domain { get; init; }

    /// <summary>How many to generate.</summary>
    public int Users { get; init; }
    public int? Groups { get; init; }
    public int? Links { get; init; }
    public int Seed { get; init; } = 1;

    /// <summary>A number (kinds go round) or a list of kinds; see <see cref="LeaverKind"/>.</summary>
    public JsonElement? Leavers { get; init; }

    /// <summary>Grant the first application its permissions at once, as if an administrator had consented.</summary>
    public bool Consented { get; init; }
    public JsonNode? Settings { get; init; }
}

/// <summary>Control of whole tenants.</summary>
public static class TenantsControl
{
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    public static void Map(RouteGroupBuilder control)
    {
        control.MapGet("/tenants", List);
        control.MapPost("/tenants", Create);
        control.MapGet("/tenants/{t}", (string t, Emulation e) => Locked(e.Tenant(t), Truth.Of));
        control.MapDelete("/tenants/{t}", (string t, Emulation e) => e.Tenants.TryRemove(e.Tenant(t).Id, out _));
        control.MapGet("/tenants/{t}/settings", (string t, Emulation e) => Results.Json(e.Tenant(t).Settings, Json));
        control.MapPatch("/tenants/{t}/settings", PatchSettings);
        control.MapGet("/settings", (Emulation e) => Results.Json(e.DefaultSettings, Json));
        control.MapPatch("/settings", PatchDefaults);
        control.MapPost(
            "/tenants/{t}/leavers",
            (string t, JsonElement body, Emulation e) => Locked(e.Tenant(t), x => Leave(x, body))
        );
        control.MapPost("/tenants/{t}/churn", MakeChurn);
        control.MapPost("/tenants/{t}/tokens/expire", ExpireTokens);
        control.MapPost("/tenants/{t}/reset", (string t, Emulation e) => Locked(e.Tenant(t), Reset));
    }

    /// <summary>Runs on a tenant while nothing else does.</summary>
    public static T Locked<T>(Tenant tenant, Func<Tenant, T> work)
    {
        lock (tenant.Gate)
        {
            tenant.Settle();
            return work(tenant);
        }
    }

    public static TenantSettings Patched(TenantSettings settings, JsonNode patch)
    {
        var merged = JsonSerializer.SerializeToNode(settings, Json)!.AsObject();
        foreach (var (name, value) in patch.AsObject())
        {
            if (!merged.ContainsKey(name))
            {
                throw ControlException.Bad($"There is no setting '{name}'.");
            }

            merged[name] = value?.DeepClone();
        }

        return merged.Deserialize<TenantSettings>(Json)!;
    }

    private static IResult List(Emulation emulation) =>
        Results.Json(
            emulation.Tenants.Values.OrderBy(t => t.Name, StringComparer.Ordinal).Select(t => Locked(t, Truth.Summary)),
            Json
        );

    private static IResult Create(JsonElement body, Emulation emulation)
    {
        var order = body.Deserialize<NewTenant>(Json)!;
        var id = order.Id ?? Guid.CreateVersion7();
        var domain = order.Domain ?? $"t{id.ToString("N")[^8..]}.example";
        var settings = order.Settings is { } patch
            ? Patched(emulation.DefaultSettings, patch)
            : emulation.DefaultSettings;
        var tenant = new Tenant(id, order.Name ?? domain, domain, emulation.Clock, order.Seed) { Recording = false };
        new Generator(tenant, order.Seed).Fill(
            order.Users,
            order.Groups ?? order.Users / 20,
            order.Links ?? order.Users * 4
        );
        var leavers = order.Leavers is { } wanted ? Leave(tenant, wanted) : [];
        (tenant.Recording, tenant.Settings) = (true, settings);
        if (emulation.Tenants.ContainsKey(id))
        {
            throw new ControlException(409, $"Tenant {id} exists already.");
        }

        emulation.Add(tenant);
        if (order.Consented)
        {
            Consent.Grant(tenant, emulation.App(null), emulation.Apps[emulation.App(null)].Permissions);
        }

        return Results.Json(
            new
            {
                id,
                name = tenant.Name,
                domain,
                leavers,
            },
            Json,
            statusCode: 201
        );
    }

    private static List<object> Leave(Tenant tenant, JsonElement wanted)
    {
        // A body {"kinds": […]} or {"count": n} means the same as the bare list or number.
        var order =
            wanted.ValueKind != JsonValueKind.Object ? wanted
            : wanted.TryGetProperty("kinds", out var list) ? list
            : wanted.GetProperty("count");
        var kinds =
            order.ValueKind == JsonValueKind.Number
                ? Enumerable.Range(0, order.GetInt32()).Select(Leavers.Cycle).ToList()
                : order.Deserialize<List<LeaverKind>>(Json)!;
        var people = tenant.Users.Where(user => user.State == Existence.Active && user.Is("accountEnabled")).ToArray();
        tenant.Random.Shuffle(people);
        var leaving = people.Zip(kinds).ToList();
        leaving.ForEach(pair => Leavers.Leave(tenant, pair.First, pair.Second));
        return [.. leaving.Select(pair => new { id = pair.First.Id, kind = pair.Second })];
    }

    private static IResult MakeChurn(string t, JsonElement body, Emulation emulation) =>
        Locked(
            emulation.Tenant(t),
            tenant =>
            {
                var seed = body.TryGetProperty("seed", out var s) ? s.GetInt32() : tenant.Random.Next();
                var removals = !body.TryGetProperty("removals", out var r) || r.GetBoolean();
                new Churn(tenant, seed).Make(body.GetProperty("changes").GetInt32(), removals);
                return Results.Json(Truth.Summary(tenant), Json);
            }
        );

    private static IResult PatchSettings(string t, JsonNode patch, Emulation emulation) =>
        Locked(emulation.Tenant(t), tenant => Results.Json(tenant.Settings = Patched(tenant.Settings, patch), Json));

    /// <summary>For tenants to come and, with ?all=true, those that are there.</summary>
    private static IResult PatchDefaults(JsonNode patch, Emulation emulation, bool all = false)
    {
        emulation.DefaultSettings = Patched(emulation.DefaultSettings, patch);
        foreach (var tenant in all ? emulation.Tenants.Values : [])
        {
            Locked(tenant, x => x.Settings = Patched(x.Settings, patch));
        }

        return Results.Json(emulation.DefaultSettings, Json);
    }

    /// <summary>Every access token issued so far is answered 401 from now on.</summary>
    private static IResult ExpireTokens(string t, Emulation emulation) =>
        Locked(
            emulation.Tenant(t),
            tenant =>
            {
                tenant.TokensValidFrom = TimeProvider.System.GetUtcNow();
                return Results.NoContent();
            }
        );

    /// <summary>A service-side reset: every delta token is answered 410, every page token has expired.</summary>
    private static IResult Reset(Tenant tenant)
    {
        tenant.Generation = Guid.CreateVersion7();
        return Results.NoContent();
    }
}
