using System.Diagnostics;
using System.Text.Json;
using Rollcall.Api.Reporting.V1;

namespace Rollcall.Local;

/// <summary>A new MSP's first day: many clients with a messy list of leavers each, from consent to report, nobody's hand in it.</summary>
public static class ManyClients
{
    private const int Users = 400;
    private const int Leavers = 40;

    /// <summary>Accounts that cannot sign in or are gone: nobody may ask them for anything.</summary>
    private static readonly string[] Gone = ["deleted", "purged", "disabled", "sharedMailbox"];

    /// <summary>More would only queue: the platform shares the machine with its servers.</summary>
    private const int AtOnce = 8;

    public static async Task RunAsync(Story story, World world, int clients, CancellationToken ct)
    {
        story.Chapter("Many clients", "directory-sync", "scope-rules", "assignment", "reporting");
        var companies = new List<Newcomer>();
        await story.StepAsync(
            $"{clients} directories",
            async () =>
            {
                for (var number = 1; number <= clients; number++)
                {
                    companies.Add(await CreateDirectoryAsync(world, number, ct));
                }

                return $"{clients} directories with {Users} accounts each, {Leavers} of them left in {Leavers / 5} untidy ways";
            }
        );
        await story.StepAsync($"{clients} clients onboarded", () => OnboardAllAsync(world, companies, ct));
    }

    private static async Task<string> OnboardAllAsync(World world, List<Newcomer> companies, CancellationToken ct)
    {
        var begun = Stopwatch.GetTimestamp();
        var lines = new string[companies.Count];
        await Parallel.ForEachAsync(
            companies.Index(),
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = ct },
            async (entry, token) => lines[entry.Index] = await OnboardAsync(world, entry.Item, token)
        );
        var seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        return $"{string.Join('\n', lines)}\n"
            + $"{companies.Count} clients in {seconds:0.0} s, {seconds / companies.Count:0.0} s a client, {AtOnce} at a time";
    }

    private static async Task<Newcomer> CreateDirectoryAsync(World world, int number, CancellationToken ct)
    {
        var (name, domain) = ($"Client {number:000}", $"client{number:000}.example");
        var made = await world.Emulator.CreateTenantAsync(
            new
            {
                name,
                domain,
                users = Users,
                leavers = Leavers,
                seed = number,
            },
            ct
        );
        var leavers = made.GetProperty("leavers").EnumerateArray();
        return new(
            new(name, "Europe/London", made.GetProperty("id").GetString()!, domain),
            leavers.ToDictionary(
                l => l.GetProperty("id").GetString()!,
                l => l.GetProperty("kind").GetString()!,
                StringComparer.Ordinal
            )
        );
    }

    /// <summary>One client's way from its creation to a report that sums.</summary>
    private static async Task<string> OnboardAsync(World world, Newcomer newcomer, CancellationToken ct)
    {
        var company = newcomer.Company;
        var times = new List<string>();
        var begun = Stopwatch.GetTimestamp();
        var made = await world.Admin.Clients.CreateClientAsync(
            new() { DisplayName = company.Name, TimeZone = company.Zone },
            cancellationToken: ct
        );
        company.ClientId = made.Client.Id;
        await Onboarding.ConsentAsync(world, company, ct);
        await Onboarding.AwaitFirstSyncAsync(world, company, ct);
        Lap("sync");
        await Training.PublishAsync(world.Admin, await Training.DraftAsync(world.Admin, company, ct), ct);
        Lap("policy");
        var paths = await world.Admin.Paths.ApplyDefaultPathsAsync(
            new() { ClientId = company.ClientId },
            cancellationToken: ct
        );
        var asked = Training.Asked(paths.Paths, await world.Admin.DecisionsAsync(company.ClientId, ct));
        await CheckLeaversAsync(world, newcomer, asked.Select(a => a.User).ToHashSet(StringComparer.Ordinal), ct);
        var coverage = await CoverageAsync(world, company, asked.Count, ct);
        Lap("assignments and report");

        var lines = await ReconcileAsync(world, company, coverage, ct);
        return $"{company.Name} {Stopwatch.GetElapsedTime(begun).TotalSeconds, 5:0.0} s ({string.Join(", ", times)}): "
            + $"{coverage.Total.People} in scope, {coverage.Total.Assigned} assignments; {lines}";

        void Lap(string what) => times.Add($"{what} {Stopwatch.GetElapsedTime(begun).TotalSeconds:0.0}");
    }

    private static async Task CheckLeaversAsync(
        World world,
        Newcomer newcomer,
        HashSet<string> asked,
        CancellationToken ct
    )
    {
        var users = await world.Admin.UsersAsync(newcomer.Company.ClientId, ct);
        var wrong = users
            .Where(u => asked.Contains(u.Id))
            .Select(u => newcomer.Leavers.GetValueOrDefault(u.ExternalId, ""))
            .Where(kind => Gone.Contains(kind, StringComparer.Ordinal))
            .ToList();
        Expect.That(wrong.Count == 0, "nothing asked of people who left", string.Join(", ", wrong));
    }

    private static Task<GetCoverageResponse> CoverageAsync(
        World world,
        Company company,
        int assignments,
        CancellationToken ct
    ) =>
        Until.HoldsAsync(
            $"a coverage report of {company.Name} with {assignments} assignments",
            () =>
                world
                    .Admin.Reports.GetCoverageAsync(new() { ClientId = company.ClientId }, cancellationToken: ct)
                    .ResponseAsync,
            seen => seen.Total.Assigned == assignments && seen.Basis.Complete,
            seen => $"{seen.Total.Assigned}; {string.Join(' ', seen.Basis.Notices)}",
            ct
        );

    private static async Task<string> ReconcileAsync(
        World world,
        Company company,
        GetCoverageResponse coverage,
        CancellationToken ct
    )
    {
        var answer = await world.Admin.Reports.GetReconciliationAsync(
            new() { ClientId = company.ClientId },
            cancellationToken: ct
        );
        var truth = (await world.Emulator.TruthAsync(company.Directory, ct)).GetProperty("users").EnumerateArray();
        Reports.Check(answer, coverage, truth.Count(IsActive));
        var lines = answer.Lines.GroupBy(l => l.Standing).Select(g => $"{g.Sum(l => l.People)} {g.Key}");
        return $"{answer.Total} = {string.Join(" + ", lines)}";
    }

    private static bool IsActive(JsonElement user) => user.GetProperty("state").GetString() == "active";

    /// <param name="Leavers">How each of its leavers left, by the account's id.</param>
    private sealed record Newcomer(Company Company, Dictionary<string, string> Leavers);
}
