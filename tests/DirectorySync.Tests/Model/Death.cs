using Rollcall.Platform;

namespace Rollcall.DirectorySync.Tests.Model;

/// <summary>
/// Ends what a story does at a crash point: the connection goes, and whatever was to come after it does not. CrashTests
/// kill a whole process; this is cheap enough for every story.
/// </summary>
public sealed class Death(string point, int time)
{
    private static readonly AsyncLocal<Death?> Planned = new();
    private int left = time;

    static Death() => CrashPoints.Reached = name => Planned.Value?.Reach(name);

    /// <summary>Does the work, which may die of it.</summary>
    /// <returns>False if it died.</returns>
    public static async Task<bool> OfAsync(Death? death, Func<Task> work)
    {
        Planned.Value = death;
        try
        {
            await work();
            return true;
        }
        catch (DiedException)
        {
            return false;
        }
        finally
        {
            Planned.Value = null;
        }
    }

    private void Reach(string name)
    {
        if (name == point && Interlocked.Decrement(ref left) == 0)
        {
            throw new DiedException();
        }
    }

    private sealed class DiedException() : Exception("Died as planned");
}
