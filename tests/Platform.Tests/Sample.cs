using MassTransit;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api.Scope.V1;

namespace Rollcall.Platform.Tests;

/// <summary>The smallest service: counts the decisions it hears of, per client, and passes each message on.</summary>
public sealed class SampleDbContext(DbContextOptions<SampleDbContext> options) : ServiceDbContext(options)
{
    public DbSet<Tally> Tallies => Set<Tally>();
}

/// <summary>How often a client's decisions were counted.</summary>
public sealed class Tally
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public int Count { get; set; }
}

/// <summary>Adds up, so that a message handled twice shows. A decision whose reason is "poison" breaks it for good.</summary>
public sealed class ScopeChangedConsumer(SampleDbContext db, Switch poison, Gate gate) : IConsumer<ScopeChanged>
{
    public async Task Consume(ConsumeContext<ScopeChanged> context)
    {
        var message = context.Message;
        if (poison.On && message.Decisions.Any(d => d.Reason == "poison"))
        {
            throw new FormatException("poison");
        }

        await db.Database.ExecuteSqlAsync(
            $"""
            insert into tally as t (msp_id, client_id, count)
            values ({Guid.Parse(message.MspId)}, {Guid.Parse(message.ClientId)}, {message.Decisions.Count})
            on conflict (client_id) do update set count = t.count + excluded.count
            """,
            context.CancellationToken
        );
        await gate.PassAsync(context.CancellationToken);
    }
}

/// <summary>Whether poison still breaks the consumer, or has been mended.</summary>
public sealed class Switch
{
    public bool On { get; set; } = true;
}

/// <summary>Where consumers stop, their changes made and not committed, while a test has closed it.</summary>
public sealed class Gate
{
    private TaskCompletionSource? closed;
    private int waiting;

    public int Waiting => Volatile.Read(ref waiting);

    /// <summary>Lets those go on who wait; whoever comes from now on waits.</summary>
    public void Close() => Exchange(new(TaskCreationOptions.RunContinuationsAsynchronously));

    public void Open() => Exchange(next: null);

    public async Task PassAsync(CancellationToken ct)
    {
        if (Volatile.Read(ref closed) is not { } until)
        {
            return;
        }

        Interlocked.Increment(ref waiting);
        try
        {
            await until.Task.WaitAsync(ct);
        }
        finally
        {
            Interlocked.Decrement(ref waiting);
        }
    }

    private void Exchange(TaskCompletionSource? next) => Interlocked.Exchange(ref closed, next)?.SetResult();
}

/// <summary>For `dotnet ef migrations add`.</summary>
public sealed class SampleFactory : IDesignTimeDbContextFactory<SampleDbContext>
{
    public SampleDbContext CreateDbContext(string[] args) =>
        new(
            new DbContextOptionsBuilder<SampleDbContext>().UseNpgsql("Host=none").UseSnakeCaseNamingConvention().Options
        );
}

internal sealed class TallyConfiguration : IEntityTypeConfiguration<Tally>
{
    public void Configure(EntityTypeBuilder<Tally> builder)
    {
        builder.ToTable("tally");
        builder.HasKey(t => t.ClientId);
    }
}
