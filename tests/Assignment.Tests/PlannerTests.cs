using System.Globalization;
using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Assignment.Planning;

namespace Rollcall.Assignment.Tests;

public sealed class PlannerTests
{
    private static readonly string[] Audiences = ["baseline", "managers", "leaders"];

    private static readonly Dictionary<string, (Action<Person> Story, string[] Rows)> Stories = new(
        StringComparer.Ordinal
    )
    {
        ["a joiner gets what the audience asks for"] = (
            p => p.InScope("baseline"),
            ["phishing/1 Open [baseline] 2026-03-31"]
        ),
        ["an audience without a path asks for nothing"] = (p => p.InScope("visitors"), []),
        ["two audiences make one row, the earliest due wins"] = (
            p => p.InScope("baseline", "managers"),
            ["phishing/1 Open [baseline managers] 2026-03-08"]
        ),
        ["a second cause has its own clock: what was asked for long ago is not due at once"] = (
            p => p.InScope("baseline").Days(20).InScope("baseline", "managers"),
            ["phishing/1 Open [baseline managers] 2026-03-28"]
        ),
        ["losing one of two causes keeps the row, with the other's due date"] = (
            p => p.InScope("baseline", "managers").Days(2).InScope("baseline"),
            ["phishing/1 Open [baseline] 2026-03-31"]
        ),
        ["a mover loses the old path and gets the new one"] = (
            p => p.InScope("managers").Days(3).InScope("leaders"),
            ["leading/1 Open [leaders] 2026-03-18", "phishing/1 Withdrawn"]
        ),
        ["a leaver's open work goes, what was completed stays"] = (
            p => p.InScope("baseline", "leaders").Complete("phishing").Decide(Verdict.Left),
            ["leading/1 Withdrawn", "phishing/1 Completed"]
        ),
        ["a mover's completed work stays"] = (
            p => p.InScope("managers").Complete("phishing").Days(9).InScope("leaders"),
            ["leading/1 Open [leaders] 2026-03-24", "phishing/1 Completed"]
        ),
        ["who returns has the same row with the full time"] = (
            p => p.InScope("baseline").Days(10).Decide(Verdict.Left).Days(50).InScope("baseline"),
            ["phishing/1 Open [baseline] 2026-05-30"]
        ),
        ["a pause stops the clock and the days left are kept"] = (
            p => p.InScope("baseline").Days(10).Paused("baseline").Days(100).InScope("baseline"),
            ["phishing/1 Open [baseline] 2026-07-09"]
        ),
        ["two pauses add up"] = (
            p =>
                p.InScope("managers")
                    .Paused("managers")
                    .Days(5)
                    .InScope("managers")
                    .Days(1)
                    .Paused("managers")
                    .Days(5)
                    .InScope("managers"),
            ["phishing/1 Open [managers] 2026-03-18"]
        ),
        ["while paused the due date stands"] = (
            p => p.InScope("baseline").Days(10).Paused("baseline").Days(5).Replan(),
            ["phishing/1 Paused [baseline] 2026-03-31"]
        ),
        ["nothing is opened for who is paused"] = (
            p => p.InScope("baseline").Paused("baseline", "leaders"),
            ["phishing/1 Paused [baseline] 2026-03-31"]
        ),
        ["what the audiences of a paused person no longer ask for goes"] = (
            p => p.InScope("baseline", "leaders").Paused("baseline"),
            ["leading/1 Withdrawn", "phishing/1 Paused [baseline] 2026-03-31"]
        ),
        ["a cause that comes during a pause starts when it ends"] = (
            p =>
                p.InScope("baseline").Days(1).Paused("baseline").Days(3).Paused("managers").Days(6).InScope("managers"),
            ["phishing/1 Open [managers] 2026-03-18"]
        ),
        ["who leaves while paused has no work left"] = (
            p => p.InScope("baseline").Paused("baseline").Decide(Verdict.Left),
            ["phishing/1 Withdrawn"]
        ),
        ["held: nothing new, nothing taken away"] = (
            p => p.InScope("baseline").Decide(Verdict.Held),
            ["phishing/1 Open [baseline] 2026-03-31"]
        ),
        ["held from the start: nothing"] = (p => p.Decide(Verdict.Held), []),
        ["escrowed: nothing taken away for a mistake in the directory"] = (
            p => p.InScope("baseline").Decide(Verdict.Escrowed),
            ["phishing/1 Open [baseline] 2026-03-31"]
        ),
        ["a waived row stays waived"] = (
            p => p.InScope("baseline").Waive("phishing").Days(3).InScope("baseline", "managers"),
            ["phishing/1 Waived"]
        ),
        ["a changed number of days moves the due date"] = (
            p => p.InScope("baseline").Days(5).Path("baseline", 60, Recurrence.None, "phishing").Replan(),
            ["phishing/1 Open [baseline] 2026-04-30"]
        ),
        ["a course dropped from the path goes, a new one comes"] = (
            p => p.InScope("baseline").Days(5).Path("baseline", 30, Recurrence.None, "fraud").Replan(),
            ["fraud/1 Open [baseline] 2026-04-05", "phishing/1 Withdrawn"]
        ),
        ["an archived course is not opened"] = (p => p.Archive("phishing").InScope("baseline"), []),
        ["an archived course that is open stays open"] = (
            p => p.InScope("baseline").Archive("phishing").Days(1).InScope("baseline"),
            ["phishing/1 Open [baseline] 2026-03-31"]
        ),
        ["an archived course is not opened again"] = (
            p => p.InScope("baseline").Decide(Verdict.Left).Archive("phishing").InScope("baseline"),
            ["phishing/1 Withdrawn"]
        ),
        ["open work takes a course's new title over, completed work keeps the old"] = (
            p =>
                p.InScope("baseline", "leaders")
                    .Complete("phishing")
                    .Rename("phishing", "Phishing 2")
                    .Rename("leading", "Leading 2")
                    .Replan(),
            ["Leading 2/1 Open [leaders] 2026-03-15", "phishing/1 Completed"]
        ),
        ["yearly: the cycle is the calendar year"] = (
            p => p.Path("baseline", 30, Recurrence.Yearly, "phishing").InScope("baseline"),
            ["phishing/2026 Open [baseline] 2026-03-31"]
        ),
        ["yearly: the next year opens the next cycle"] = (
            p =>
                p.Path("baseline", 30, Recurrence.Yearly, "phishing")
                    .InScope("baseline")
                    .Complete("phishing", "2026")
                    .On(2027, 1, 1)
                    .Replan(),
            ["phishing/2026 Completed", "phishing/2027 Open [baseline] 2027-01-31"]
        ),
        ["yearly: an unfinished cycle hands its clock on to the next"] = (
            p =>
                p.Path("baseline", 30, Recurrence.Yearly, "phishing")
                    .On(2026, 12, 20)
                    .InScope("baseline")
                    .On(2027, 1, 1)
                    .Replan(),
            ["phishing/2026 Withdrawn", "phishing/2027 Open [baseline] 2027-01-19"]
        ),
        ["yearly: a pause over the turn of the year still stops the clock"] = (
            p =>
                p.Path("baseline", 30, Recurrence.Yearly, "phishing")
                    .On(2026, 12, 20)
                    .InScope("baseline")
                    .Paused("baseline")
                    .On(2027, 1, 9)
                    .InScope("baseline"),
            ["phishing/2026 Withdrawn", "phishing/2027 Open [baseline] 2027-02-08"]
        ),
        ["yearly: nothing is opened at the turn of the year for who is paused"] = (
            p =>
                p.Path("baseline", 30, Recurrence.Yearly, "phishing")
                    .InScope("baseline")
                    .Complete("phishing", "2026")
                    .Paused("baseline")
                    .On(2027, 1, 1)
                    .Replan(),
            ["phishing/2026 Completed"]
        ),
        ["once and yearly for one course: one row, in the yearly cycle"] = (
            p => p.Path("baseline", 30, Recurrence.Yearly, "phishing").InScope("baseline", "managers"),
            ["phishing/2026 Open [baseline managers] 2026-03-08"]
        ),
        ["once is satisfied by an earlier year, yearly is not"] = (
            p =>
                p.Path("baseline", 30, Recurrence.Yearly, "phishing")
                    .InScope("baseline", "managers")
                    .Complete("phishing", "2026")
                    .On(2027, 1, 1)
                    .Replan(),
            ["phishing/2026 Completed", "phishing/2027 Open [baseline] 2027-01-31"]
        ),
        ["a path that becomes yearly does not ask again for what was done this year"] = (
            p =>
                p.InScope("baseline").Complete("phishing").Path("baseline", 30, Recurrence.Yearly, "phishing").Replan(),
            ["phishing/1 Completed"]
        ),
        ["a path that becomes yearly takes unfinished work along"] = (
            p => p.InScope("baseline").Days(3).Path("baseline", 30, Recurrence.Yearly, "phishing").Replan(),
            ["phishing/1 Withdrawn", "phishing/2026 Open [baseline] 2026-03-31"]
        ),
        ["a path that is no longer yearly asks nobody again"] = (
            p =>
                p.Path("baseline", 30, Recurrence.Yearly, "phishing")
                    .InScope("baseline")
                    .Complete("phishing", "2026")
                    .Path("baseline", 30, Recurrence.None, "phishing")
                    .Replan(),
            ["phishing/2026 Completed"]
        ),
    };

    public static TheoryData<string> Sentences => [.. Stories.Keys];

    [Theory]
    [MemberData(nameof(Sentences))]
    public void Plan_Story_LeavesTheseRows(string sentence)
    {
        var (story, rows) = Stories[sentence];
        var person = new Person();

        story(person);

        Assert.Equal(rows, person.Lines());
        Assert.Equal(0, person.Replan().Changed);
    }

    [Theory]
    [InlineData(Verdict.NotAPerson)]
    [InlineData(Verdict.ExcludedByRule)]
    [InlineData(Verdict.ExcludedByException)]
    [InlineData(Verdict.NotIncluded)]
    [InlineData(Verdict.Left)]
    public void Plan_OutOfScope_WithdrawsOpenWorkWithTheReason(Verdict verdict)
    {
        var person = new Person().InScope("baseline").Decide(verdict);

        var row = Assert.Single(person.Rows);
        Assert.Equal(
            (AssignmentState.Withdrawn, $"is {verdict}", person.Now, 2L, 2L),
            (row.State, row.Reason, row.WithdrawnAt!.Value, row.Revision, row.RosterVersion)
        );
        Assert.Empty(row.Causes);
    }

    [Fact]
    public void Plan_UnknownVerdict_IsRefused() =>
        Assert.Throws<InvalidOperationException>(() => new Person().Decide((Verdict)99));

    [Fact]
    public void Plan_Return_KeepsTheRowAndRaisesItsRevision()
    {
        var person = new Person().InScope("baseline");
        var opened = Assert.Single(person.Rows);

        person.Days(1).Decide(Verdict.Left).Days(1).InScope("baseline");

        var row = Assert.Single(person.Rows);
        Assert.Equal((opened.Id, 3L, 3L), (row.Id, row.Revision, row.RosterVersion));
        Assert.Equal((person.Now, null), (row.OpenedAt, row.WithdrawnAt));
    }

    [Theory]
    [InlineData("Europe/Copenhagen", "2026-03-29", "2026-03-29T21:59:59Z")] // the clock goes forward that day
    [InlineData("Europe/Copenhagen", "2026-10-25", "2026-10-25T22:59:59Z")] // and back
    [InlineData("Pacific/Auckland", "2026-06-01", "2026-06-01T11:59:59Z")]
    [InlineData("America/Havana", "2026-10-31", "2026-11-01T03:59:59Z")]
    [InlineData("Pacific/Apia", "2011-12-30", "2011-12-30T09:59:59Z")] // a day that never was
    public void EndOf_Day_IsItsLastSecondThere(string zone, string day, string expected)
    {
        var clock = ClientClock.At(DateTimeOffset.UnixEpoch, zone);

        Assert.Equal(
            DateTimeOffset.Parse(expected, CultureInfo.InvariantCulture),
            clock.EndOf(DateOnly.Parse(day, CultureInfo.InvariantCulture))
        );
    }

    [Fact]
    public void NextYearAt_JustBeforeMidnightThere_IsThatMidnight()
    {
        var clock = ClientClock.At(new(2026, 12, 31, 10, 59, 59, TimeSpan.Zero), "Pacific/Auckland");

        Assert.Equal(new DateTimeOffset(2026, 12, 31, 11, 0, 0, TimeSpan.Zero), clock.NextYearAt);
    }

    /// <summary>Whatever happens to a person in whatever order: one row per key, one to do per course, no history changed.</summary>
    [Fact]
    public void Plan_AnySequence_KeepsItsPromises()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            var person = new Person().Path("baseline", 30, Recurrence.Yearly, "phishing", "leading");
            for (var step = 0; step < 25; step++)
            {
                var done = person.Rows.Where(r => r.IsDone).ToDictionary(r => r.Id);
                TakeStep(person, random);
                person.Replan();

                Assert.All(done.Values, d => Assert.True(d.SameAs(person.Rows.Single(r => r.Id == d.Id))));
                Assert.All(
                    person.Rows.Where(r => r.IsActive).GroupBy(r => r.CourseId),
                    course => Assert.Single(course)
                );
                Assert.All(person.Rows, r => Assert.Equal(r.IsActive || r.IsDone, r.Causes.Count > 0));
                Assert.Equal(0, person.Replan().Changed);
            }
        }
    }

    private static void TakeStep(Person person, Random random)
    {
        string[] audiences = [.. Audiences.Where(_ => random.Next(2) == 0)];
        person.Days(random.Next(60));
        switch (random.Next(6))
        {
            case 0:
                person.Decide(Verdict.Left);
                break;
            case 1:
                person.Paused(audiences);
                break;
            case 2 when person.Rows.Find(r => r.IsActive) is { } row:
                person.Complete(row.CourseTitle, row.Cycle);
                break;
            case 3:
                person.Path("managers", 7, (Recurrence)random.Next(1, 3), "phishing");
                person.InScope(audiences);
                break;
            default:
                person.InScope(audiences);
                break;
        }
    }
}
