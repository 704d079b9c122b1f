using Rollcall.Api.Directory.V1;
using Rollcall.Api.Identity.V1;
using Rollcall.Api.Options.V1;

namespace Rollcall.Local;

/// <summary>An MSP with its people, two clients, their consent, and the first read of their directories.</summary>
public static class Onboarding
{
    public static async Task RunAsync(Story story, World world, CancellationToken ct)
    {
        story.Chapter("Onboarding", "edge", "directory-sync", "graph-emulator");
        await story.StepAsync("an MSP and its admin", () => CreateMspAsync(world, ct));
        await story.StepAsync("two clients", () => CreateClientsAsync(world, ct));
        await story.StepAsync("those who work for them", () => CreatePeopleAsync(world, ct));
        foreach (var company in world.Both)
        {
            await story.StepAsync($"{company.Name} consents", () => ConsentAsync(world, company, ct));
        }

        foreach (var company in world.Both)
        {
            await story.StepAsync($"first sync of {company.Name}", () => FirstSyncAsync(world, company, ct));
        }
    }

    /// <summary>Begins a consent, has the client's administrator approve it, and goes where the browser is sent.</summary>
    public static async Task<string> ConsentAsync(World world, Company company, CancellationToken ct)
    {
        var asked = await world.Admin.Connections.BeginConsentAsync(
            new() { ClientId = company.ClientId, DirectoryTenantId = company.Directory },
            cancellationToken: ct
        );
        var callback = await world.Emulator.ConsentAsync(asked.ConsentUrl, company.Directory, "approve", ct);
        var (status, page) = await world.BrowseAsync(callback, ct);
        Expect.That(
            status == 200 && page.Contains("is connected", StringComparison.Ordinal),
            "the callback's page to say that the client is connected",
            $"{status} {page}"
        );

        var answer = await world.Admin.Connections.GetConnectionAsync(
            new() { ClientId = company.ClientId },
            cancellationToken: ct
        );
        Expect.Equal(ConnectionState.Connected, answer.Connection.State, "the connection");
        Expect.Equal(company.Directory, answer.Connection.DirectoryTenantId, "the connected directory");
        return $"asked for {string.Join(", ", asked.Permissions)}; connected with "
            + string.Join(", ", answer.Connection.GrantedPermissions);
    }

    /// <summary>Waits for the sync that a consent starts by itself.</summary>
    public static Task<SyncRun> AwaitFirstSyncAsync(World world, Company company, CancellationToken ct) =>
        Until.HoldsAsync(
            $"a successful first sync of {company.Name}",
            async () =>
            {
                var list = await world.Admin.Syncs.ListSyncRunsAsync(
                    new() { ClientId = company.ClientId },
                    cancellationToken: ct
                );
                return list.Runs.FirstOrDefault() ?? new();
            },
            run => run.State == SyncRunState.Succeeded,
            run => $"{run.State} {run.ErrorCode} {run.Problem}",
            ct
        );

    private static async Task<string> CreateMspAsync(World world, CancellationToken ct)
    {
        world.Admin = await FoundAsync(world, "Northwind IT Services", ct);
        world.Stranger = await FoundAsync(world, "Another MSP", ct);
        return "Northwind IT Services, and another MSP that must never see its clients";
    }

    /// <summary>The platform's administrator creates an MSP and its first admin.</summary>
    private static async Task<ApiCaller> FoundAsync(World world, string name, CancellationToken ct)
    {
        var admin = world.Endpoints.Operators[BootstrapClients.PlatformAdmin];
        var platform = world.SignIn(admin.ClientId, admin.ClientSecret);
        var msp = await platform.Clients.CreateMspAsync(new() { DisplayName = name }, cancellationToken: ct);
        var made = await platform.Identity.CreateOperatorAsync(
            new()
            {
                MspId = msp.Msp.Id,
                DisplayName = $"Admin of {name}",
                Role = Role.MspAdmin,
            },
            cancellationToken: ct
        );
        return world.SignIn(made.ClientId, made.ClientSecret);
    }

    private static async Task<string> CreateClientsAsync(World world, CancellationToken ct)
    {
        foreach (var company in world.Both)
        {
            var made = await world.Admin.Clients.CreateClientAsync(
                new() { DisplayName = company.Name, TimeZone = company.Zone },
                cancellationToken: ct
            );
            company.ClientId = made.Client.Id;
        }

        var seen = await world.Admin.Clients.ListClientsAsync(new(), cancellationToken: ct);
        Expect.Equal(2, seen.Clients.Count, "the MSP's clients");
        return string.Join("; ", world.Both.Select(c => $"{c.Name} ({c.Zone}) {c.ClientId}"));
    }

    private static async Task<string> CreatePeopleAsync(World world, CancellationToken ct)
    {
        world.Technician = await OperatorAsync(world, Role.MspTechnician, [world.A, world.B], ct);
        world.TechnicianOfA = await OperatorAsync(world, Role.MspTechnician, [world.A], ct);
        world.ViewerOfA = await OperatorAsync(world, Role.ClientViewer, [world.A], ct);
        var desk = await world.Admin.Identity.CreatePartnerAsync(
            new()
            {
                DisplayName = "Service desk",
                Scopes = { "tickets" },
                AllClients = true,
            },
            cancellationToken: ct
        );
        world.ServiceDesk = world.SignIn(desk.ClientId, desk.ClientSecret);

        var seen = await world.ViewerOfA.Clients.ListClientsAsync(new(), cancellationToken: ct);
        Expect.Equal(world.A.ClientId, string.Join(' ', seen.Clients.Select(c => c.Id)), "what A's viewer sees");
        return "a technician for both, one for A alone, a viewer of A (who sees A alone), a service desk with scope tickets";
    }

    private static async Task<ApiCaller> OperatorAsync(
        World world,
        Role role,
        IEnumerable<Company> companies,
        CancellationToken ct
    )
    {
        var request = new CreateOperatorRequest
        {
            DisplayName = $"{role}",
            Role = role,
            ClientIds = { companies.Select(c => c.ClientId) },
        };
        var made = await world.Admin.Identity.CreateOperatorAsync(request, cancellationToken: ct);
        return world.SignIn(made.ClientId, made.ClientSecret);
    }

    private static async Task<string> FirstSyncAsync(World world, Company company, CancellationToken ct)
    {
        var run = await AwaitFirstSyncAsync(world, company, ct);
        var roster = await world.Technician.UsersAsync(company.ClientId, ct);
        var truth = (await world.Emulator.TruthAsync(company.Directory, ct)).GetProperty("users").EnumerateArray();
        var inDirectory = truth
            .Where(u => u.GetProperty("state").GetString() == "active")
            .Select(u => u.GetProperty("id").GetString()!)
            .Order(StringComparer.Ordinal);
        var inRoster = roster.Select(u => u.ExternalId).Order(StringComparer.Ordinal).ToList();
        Expect.That(
            inDirectory.SequenceEqual(inRoster, StringComparer.Ordinal),
            "the roster to hold exactly the accounts of the directory",
            $"{inRoster.Count} accounts"
        );

        var health = await world.Technician.Syncs.GetSyncHealthAsync(
            new() { ClientId = company.ClientId },
            cancellationToken: ct
        );
        var kinds = roster.CountBy(u => u.Kind).OrderByDescending(k => k.Value).Select(k => $"{k.Value} {k.Key}");
        return $"{run.Figures()}; health {health.Health.State} {health.Health.Problem}\n"
            + $"all {roster.Count} accounts of the directory: {string.Join(", ", kinds)}";
    }
}
