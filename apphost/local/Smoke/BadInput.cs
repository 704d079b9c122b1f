using System.Net;
using Grpc.Core;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Scope.V1;

namespace Rollcall.Local;

/// <summary>What is wrong gets a named answer, and nothing wrong gets written.</summary>
public static class BadInput
{
    public static async Task RunAsync(Story story, World world, CancellationToken ct)
    {
        story.Chapter("Bad input", "edge", "directory-sync", "reporting", "scope-rules");
        await story.StepAsync("wrong ids and dates", () => FieldsAsync(world, ct));
        await story.StepAsync("wrong callers", () => CallersAsync(world, ct));
        await story.StepAsync("wrong rules and old etags", () => PoliciesAsync(world, ct));
        await story.StepAsync("a forged consent", () => ConsentAsync(world, ct));
        await story.StepAsync("the directory answers garbage", () => GarbageAsync(world, ct));
        await story.StepAsync("and recovers", () => RecoverAsync(world, ct));
    }

    private static async Task<string> FieldsAsync(World world, CancellationToken ct)
    {
        var caller = world.Technician;
        var unknown = await Expect.RefusedAsync(
            StatusCode.NotFound,
            "CLIENT_NOT_FOUND",
            async () =>
                await caller.Clients.GetClientAsync(
                    new() { ClientId = $"{Guid.CreateVersion7()}" },
                    cancellationToken: ct
                )
        );
        var malformed = await Expect.RefusedAsync(
            StatusCode.InvalidArgument,
            "FIELD_INVALID",
            async () => await caller.Syncs.GetSyncHealthAsync(new() { ClientId = "fabrikam" }, cancellationToken: ct)
        );
        var told = new List<string> { $"{unknown}; {malformed}" };
        foreach (var day in new[] { "2026-02-30", "yesterday", "2999-01-01" })
        {
            told.Add(
                await Expect.RefusedAsync(
                    StatusCode.InvalidArgument,
                    "FIELD_INVALID",
                    async () =>
                        await caller.Reports.GetCoverageAsync(
                            new() { ClientId = world.A.ClientId, AsOf = day },
                            cancellationToken: ct
                        )
                )
            );
        }

        return $"{told[0]}\n{string.Join("; ", told[1..])}";
    }

    private static async Task<string> CallersAsync(World world, CancellationToken ct)
    {
        var permission = await Expect.RefusedAsync(
            StatusCode.PermissionDenied,
            "ROLE_NOT_ALLOWED",
            async () =>
                await world.ViewerOfA.Syncs.StartSyncAsync(new() { ClientId = world.A.ClientId }, cancellationToken: ct)
        );
        var tenant = await Expect.RefusedAsync(
            StatusCode.NotFound,
            "CLIENT_NOT_FOUND",
            async () =>
                await world.Stranger.Syncs.StartSyncAsync(new() { ClientId = world.A.ClientId }, cancellationToken: ct)
        );

        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var answer = await AccessTokens.AskAsync(http, world.Endpoints.Token, "nobody", "guessed", ct);
        var text = await answer.Content.ReadAsStringAsync(ct);
        Expect.That(
            answer.StatusCode == HttpStatusCode.Unauthorized
                && text.Contains("invalid_client", StringComparison.Ordinal),
            "401 invalid_client for a wrong secret",
            $"{answer.StatusCode} {text}"
        );
        return $"{permission}\nwrong tenant: {tenant}; wrong secret: 401 invalid_client";
    }

    private static async Task<string> PoliciesAsync(World world, CancellationToken ct)
    {
        var client = world.A.ClientId;
        var audience = new Audience
        {
            Key = "baseline",
            DisplayName = "Baseline",
            Kind = AudienceKind.Include,
            Rule = "user.department -equals \"Finance\"",
        };
        var syntax = await Expect.RefusedAsync(
            StatusCode.InvalidArgument,
            "RULE_SYNTAX",
            async () =>
                await world.Technician.Policies.PreviewPolicyAsync(
                    new() { ClientId = client, Audiences = { audience } },
                    cancellationToken: ct
                )
        );
        var stale = await Expect.RefusedAsync(
            StatusCode.Aborted,
            "ETAG_MISMATCH",
            async () =>
                await world.Technician.Policies.ApplyTemplateAsync(
                    new()
                    {
                        ClientId = client,
                        TemplateKey = "seven-audiences",
                        Etag = "long ago",
                    },
                    cancellationToken: ct
                )
        );
        return $"{syntax}\n{stale}";
    }

    private static async Task<string> ConsentAsync(World world, CancellationToken ct)
    {
        var forged =
            $"{world.Endpoints.Http}/consent/callback?admin_consent=True&tenant={world.A.Directory}&state=Zm9yZ2Vk";
        var (status, page) = await world.BrowseAsync(new(forged), ct);
        Expect.That(
            status == 400 && page.Contains("be used", StringComparison.Ordinal),
            "a page with status 400 that says the link can't be used",
            $"{status} {page}"
        );
        return "a callback nobody asked for: 400, \"This link can't be used\"";
    }

    private static async Task<string> GarbageAsync(World world, CancellationToken ct)
    {
        var (technician, a) = (world.Technician, world.A);
        var before = await technician.UsersAsync(a.ClientId, ct);
        await world.Emulator.BreakAsync(
            new
            {
                kind = "truncate",
                tenant = a.Directory,
                path = "/v1.0/users/delta*",
            },
            ct
        );
        await world.Emulator.ChangeUserAsync(a.Directory, a.Mail("paula.reyes"), new { city = "Hull" }, ct);

        var run = await technician.RunSyncAsync(a, ct);
        Expect.Equal(SyncRunState.Failed, run.State, "a sync that reads half a page");
        var health = await HealthAsync(world, ct);
        Expect.Equal(HealthState.Failing, health.State, "the health");
        var after = await technician.UsersAsync(a.ClientId, ct);
        Expect.That(before.SequenceEqual(after), "every user as before", "something else");
        return $"{run.State} {run.ErrorCode}, {after.Count} users untouched\n"
            + $"health {health.State}: {health.Problem}; {health.Remedy}";
    }

    private static async Task<string> RecoverAsync(World world, CancellationToken ct)
    {
        await world.Emulator.MendAsync(world.A.Directory, ct);
        var run = await world.Technician.SyncAsync(world.A, ct);
        var user = await world.Technician.UserAsync(world.A.ClientId, world.A.Mail("paula.reyes"), ct);
        Expect.Equal("Hull", user.City, $"{user.DisplayName}'s city");
        var health = await HealthAsync(world, ct);
        Expect.That(health.State is HealthState.Healthy or HealthState.Degraded, "sync to be well again", $"{health}");
        Expect.Equal(0, health.ConsecutiveFailures, "failures in a row");
        return $"{run.Figures()}; health {health.State}";
    }

    private static async Task<SyncHealth> HealthAsync(World world, CancellationToken ct)
    {
        var answer = await world.Technician.Syncs.GetSyncHealthAsync(
            new() { ClientId = world.A.ClientId },
            cancellationToken: ct
        );
        return answer.Health;
    }
}
