using Microsoft.Extensions.DependencyInjection;
using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Assignment.Actions;
using Rollcall.Assignment.Consumers;
using Rollcall.Assignment.Data;
using Rollcall.Platform;
using static Rollcall.Assignment.Tests.TestTenant;
using Path = Rollcall.Api.Assignment.V1.Path;

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
                await fixture.BlocksSomebodyAsync(db);
                return true;
            }
        );
        await tenant.HandledAsync(message);

        Assert.Equal(AssignmentState.Completed, Assert.Single(await tenant.RowsAsync()).State);
    }

    /// <summary>Goes red without the lock on the client (tests/mutants/assignment-client-lock.patch).</summary>
    [Fact]
    public async Task SetPath_WhileAJoinerIsPlannedByTheOldPath_WaitsAndPlansTheJoinerAnew()
    {
        var tenant = await fixture.NewTenantAsync(courses: ["phishing"]);
        var fraud = await tenant.CreateCoursesAsync("fraud");
        await using var scope = fixture.Services.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantContext>().Enter(tenant.Tenant);
        var db = scope.ServiceProvider.GetRequiredService<AssignmentDbContext>();
        var joined = tenant.Event(Decide(Guid.CreateVersion7(), 1, Verdict.InScope, "baseline"));

        Task<Path> change;
        await using (var transaction = await db.BeginAsync(CancellationToken.None))
        {
            var consumer = ActivatorUtilities.CreateInstance<ScopeChangedConsumer>(scope.ServiceProvider);
            await consumer.HandleAsync(joined, CancellationToken.None);
            await db.SaveChangesAsync();
            change = tenant.SetPathAsync("baseline", fraud);
            await fixture.BlocksSomebodyAsync(db);
            await transaction.CommitAsync();
        }

        await change;
        await tenant.PlannedAsync();

        Assert.Equal("fraud", Assert.Single(await tenant.RowsAsync(), r => r.IsActive).CourseTitle);
    }
}
