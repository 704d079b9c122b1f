using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api.Assignment.V1;

namespace Rollcall.Assignment.Data;

/// <summary>One course for one person in one cycle. A value: whoever changes it makes a new one and writes it.</summary>
public sealed record CourseAssignment
{
    public required Guid Id { get; init; }
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid UserId { get; init; }
    public required Guid CourseId { get; init; }

    /// <summary>"1" or a calendar year; never a date that a correction could move.</summary>
    public required string Cycle { get; init; }

    /// <summary>Follows the course while there is work to do, then stays.</summary>
    public required string CourseTitle { get; init; }
    public required AssignmentState State { get; init; }

    /// <summary>Who asks for it, sorted by audience; empty once withdrawn.</summary>
    public required IReadOnlyList<Cause> Causes { get; init; }
    public required string Reason { get; init; }
    public required DateTimeOffset OpenedAt { get; init; }

    /// <summary>The earliest due date of its causes; while paused, the one that held when the clock stopped.</summary>
    public required DateTimeOffset DueAt { get; init; }

    /// <summary>The client's day on which the clock stopped; null while it runs.</summary>
    public DateOnly? PausedOn { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? CompletedAt { get; init; }

    /// <summary>Percent.</summary>
    public double? Score { get; init; }
    public bool CompletedAfterWithdrawal { get; init; }
    public DateTimeOffset? WithdrawnAt { get; init; }

    /// <summary>1 when it was opened, raised by each change.</summary>
    public required long Revision { get; init; }
    public required long RosterVersion { get; init; }

    /// <summary>Open or paused: something is still to be done.</summary>
    public bool IsActive => State is AssignmentState.Open or AssignmentState.Paused;

    /// <summary>Completed or waived: nothing planning does touches it.</summary>
    public bool IsDone => State is AssignmentState.Completed or AssignmentState.Waived;

    /// <summary>Whether every fact is the same; the record's own equality would compare causes as references.</summary>
    public bool SameAs(CourseAssignment other) =>
        this == other with { Causes = Causes } && Causes.SequenceEqual(other.Causes);
}

/// <summary>
/// An audience that asks for the course. Its clock runs from the client's day it first did; a pause moves that day on.
/// </summary>
public sealed record Cause(string Audience, DateOnly ClockFrom, int DueDays)
{
    public DateOnly DueOn => ClockFrom.AddDays(DueDays);
}

internal sealed class CourseAssignmentConfiguration : IEntityTypeConfiguration<CourseAssignment>
{
    public void Configure(EntityTypeBuilder<CourseAssignment> builder)
    {
        builder.ToTable("assignment");

        // Never a second one, whatever is delivered how often in whatever order.
        builder.HasKey(a => new
        {
            a.MspId,
            a.ClientId,
            a.UserId,
            a.CourseId,
            a.Cycle,
        });
        builder
            .HasIndex(a => new
            {
                a.MspId,
                a.ClientId,
                a.Id,
            })
            .IsUnique();
        builder.Property(a => a.Cycle).HasMaxLength(10);
        builder.Property(a => a.CourseTitle).HasMaxLength(200);
        builder.Property(a => a.State).HasConversion<string>().HasMaxLength(20);
        builder
            .Property(a => a.Causes)
            .HasColumnType("jsonb")
            .HasConversion(
                causes => RowJson.Write(causes),
                json => RowJson.Read<List<Cause>>(json),
                new ValueComparer<IReadOnlyList<Cause>>(
                    (a, b) => a!.SequenceEqual(b!),
                    causes => causes.Count,
                    causes => causes
                )
            );
    }
}
