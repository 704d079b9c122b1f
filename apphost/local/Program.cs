using System.Diagnostics;
using System.Runtime.InteropServices;
using Rollcall.Local;
using Rollcall.Local.Processes;

using var stop = new CancellationTokenSource();
PosixSignal[] endings = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT];
var handlers = endings.Select(signal => PosixSignalRegistration.Create(signal, End)).ToList();
try
{
    var options = Options.Parse(args);
    if (options.Parent is { } parent)
    {
        _ = EndWithAsync(parent);
    }

    return options.Verb switch
    {
        "servers" => await ServersVerb.RunAsync(options, stop.Token),
        _ => throw new RunFailedException($"there is no {options.Verb}\n{Options.Usage}"),
    };
}
catch (RunFailedException failure)
{
    await Console.Error.WriteLineAsync(failure.Message);
    return 1;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 130;
}
finally
{
    handlers.ForEach(h => h.Dispose());
}

void End(PosixSignalContext context)
{
    // The second time nobody is asked any more: our end is the children's.
    context.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
}

async Task EndWithAsync(int parent)
{
    try
    {
        using var process = Process.GetProcessById(parent);
        await process.WaitForExitAsync(stop.Token);
    }
    catch (ArgumentException)
    {
        // Ended before we looked.
    }

    await stop.CancelAsync();
}
