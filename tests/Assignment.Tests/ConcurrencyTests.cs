using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Assignment.Actions;
using Rollcall.Assignment.Data;
using static Rollcall.Assignment.Tests.TestTenant;

namespace Rollcall.Assignment.Tests;

/// <summary>Progress and planning at the same time: neither is lost.</summary>
public sealed class ConcurrencyTests(AssignmentFixture fixture)
{
    [Fact]
    public async Task RecordProgress_WhileEverybodyMoves_LosesNeither()
    {
        var tenant = await fixture.NewTenantAsync(courses: ["phishing"]);
        await tenant.SetPathAsync("managers", await tenant.CreateCoursesAsync("leading"));
        var users = Enumerable.Range(0, 25).Select(_ => Guid.CreateVersion7()).ToList();
        await tenant.ReceiveAsync(users.Select(u => Decide(u, 1, Verdict.InScope, "baseline")));
        var ids = Enumerable.Range(0, 6).Select(_ => Guid.CreateVersion7()).ToArray();
        var moves = ids.Select(
            (id, i) =>
                fixture.PublishAsync(
                    tenant.Event(
                        users.Select(u => Decide(u, i + 2, Verdict.InScope, i % 2 == 0 ? ["managers"] : ["baseline"]))
                    ),
                    id
                )
        );
        var completions = (await tenant.RowsAsync()).Select(r =>
            (Task)
                tenant
                    .Assignments.RecordProgressAsync(
                        new()
                        {
                            ClientId = tenant.ClientId,
                            AssignmentId = r.Id.ToString(),
                            Progress = Progress.Completed,
                        }
                    )
                    .ResponseAsync
        );

        await Task.WhenAll([.. moves, .. completions]);
        await tenant.HandledAsync(ids);

        var rows = await tenant.RowsAsync();
        Assert.All(rows.Where(r => r.CourseTitle == "phishing"), r => Assert.Equal(AssignmentState.Completed, r.State));
        Assert.DoesNotContain(rows, r => r is { CourseTitle: "leading", IsActive: true });
    }

    /// <summary>
    /// Goes red without the row lock and the revision in the write (tests/mutants/assignment-lost-update.patch); either
    /// of them alone suffices.
    /// </summary>
    [Fact]
    public async Task Consume_WhileACompletionIsBeingWritten_DoesNotOverwriteIt()
    {
        var tenant = await fixture.NewTenantAsync(courses: ["phishing"]);
        var user = Guid.CreateVersion7();
        await tenant.ReceiveAsync(Decide(user, 1, Verdict.InScope, "baseline"));
        var row = Assert.Single(await tenant.RowsAsync());
        var message = Guid.CreateVersion7();

        await fixture.DbAsync(
            tenant.Tenant,
            async db =>
            {
                var now = fixture.Clock.GetUtcNow();
                await db.WriteAsync([ProgressRules.Complete(row, now, score: null)], now, CancellationToken.None);
                await db.SaveChangesAsync();
                await fixture.PublishAsync(tenant.Event(Decide(user, 2, Verdict.Left)), message);
                await fixture.BlockedAsync();
                return true;
            }
        );
        await tenant.HandledAsync(message);

        Assert.Equal(AssignmentState.Completed, Assert.Single(await tenant.RowsAsync()).State);
    }
}
