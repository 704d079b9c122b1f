using System.Diagnostics;
using System.Globalization;

namespace Rollcall.Local.Processes;

/// <summary>One child that is started again, with a small back-off, whenever it ends before it is told to.</summary>
public sealed class SupervisedProcess(ProcessSpec spec, RunFolder folder, Output output)
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Steady = TimeSpan.FromSeconds(30);
    private const int StartsBeforeReady = 5;

    private readonly TaskCompletionSource stopping = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string logFile = folder.LogFile(spec.Name);
    private Task running = Task.CompletedTask;
    private volatile Process? process;
    private int starts;

    public string Name => spec.Name;

    public void Start() => running = KeepRunningAsync();

    /// <summary>Returns when the child serves; fails when it keeps ending or time is up.</summary>
    public async Task WaitReadyAsync(TimeSpan patience, CancellationToken ct)
    {
        var begun = Stopwatch.GetTimestamp();
        while (!await spec.IsReadyAsync(ct))
        {
            if (running.IsFaulted)
            {
                await running;
            }

            if (Stopwatch.GetElapsedTime(begun) > patience || Volatile.Read(ref starts) > StartsBeforeReady)
            {
                throw new RunFailedException(
                    $"{Name} is not ready after {starts} start(s); end of {logFile}:\n{ChildOutput.Tail(logFile)}"
                );
            }

            await Task.Delay(TimeSpan.FromMilliseconds(250), ct);
        }
    }

    /// <summary>Asks the child to end, and makes it end when patience is over.</summary>
    /// <param name="signal">Another one than it is usually asked with.</param>
    public async Task StopAsync(TimeSpan patience, int? signal = null)
    {
        stopping.TrySetResult();
        SignalChild(signal ?? spec.StopSignal);
        try
        {
            await running.WaitAsync(patience);
        }
        catch (TimeoutException)
        {
            output.Warn($"{Name} did not stop in {patience.TotalSeconds:0} s: killed");
            SignalChild(Signals.Kill);
            await Task.WhenAny(running, Task.Delay(TimeSpan.FromSeconds(2)));
        }
    }

    private async Task KeepRunningAsync()
    {
        var delay = FirstDelay;
        while (!stopping.Task.IsCompleted)
        {
            var begun = Stopwatch.GetTimestamp();
            var exitCode = await RunOnceAsync();
            if (stopping.Task.IsCompleted)
            {
                return;
            }

            delay = Stopwatch.GetElapsedTime(begun) > Steady ? FirstDelay : delay;
            output.Warn($"{Name} ended with {exitCode}: starting again in {delay.TotalSeconds:0.#} s");
            await Task.WhenAny(Task.Delay(delay), stopping.Task);
            delay = delay * 2 < LongestDelay ? delay * 2 : LongestDelay;
        }
    }

    private async Task<int> RunOnceAsync()
    {
        spec.BeforeStart();
        using var child = await Spawner.StartAsync(spec, folder.Path);
        Interlocked.Increment(ref starts);
        process = child;
        await File.WriteAllTextAsync(folder.PidFile(Name), child.Id.ToString(CultureInfo.InvariantCulture));
        if (stopping.Task.IsCompleted)
        {
            SignalChild(spec.StopSignal);
        }

        var exitCode = await ChildOutput.CopyUntilExitAsync(child, logFile, line => output.Child(Name, line));
        process = null;
        File.Delete(folder.PidFile(Name));
        return exitCode;
    }

    private void SignalChild(int signal)
    {
        if (process is { } child)
        {
            Signals.Send(child.Id, signal);
        }
    }
}
