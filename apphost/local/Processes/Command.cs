namespace Rollcall.Local.Processes;

/// <summary>Runs a program to its end; anything but exit code 0 fails the run.</summary>
public static class Command
{
    public static async Task RunAsync(ProcessSpec spec, RunFolder folder, Output output, CancellationToken ct)
    {
        var logFile = folder.LogFile(spec.Name);
        using var child = await Spawner.StartAsync(spec, folder.Path);
        await using var killed = ct.Register(() => Signals.Send(child.Id, Signals.Kill));
        var exitCode = await ChildOutput.CopyUntilExitAsync(child, logFile, line => output.Child(spec.Name, line));
        ct.ThrowIfCancellationRequested();
        if (exitCode != 0)
        {
            throw new RunFailedException(
                $"{spec.Name} failed with {exitCode}; end of {logFile}:\n{ChildOutput.Tail(logFile)}"
            );
        }
    }
}
