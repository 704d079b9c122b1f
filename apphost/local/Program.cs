using System.Diagnostics;
using System.Runtime.InteropServices;
using Rollcall.Local;
using Rollcall.Local.Processes;

using var stop = new CancellationTokenSource();
PosixSignal[] endings = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT];
var handlers = endings.Select(signal => PosixSignalRegistration.Create(signal, End)).ToList();
try
{
    if (args is ["--help" or "-h" or "help"])
    {
        Console.WriteLine(Options.Usage);
        return 0;
    }

    var options = Options.Parse(args);
    if (options.Parent is { } parent)
    {
        _ = EndWithAsync(parent);
    }

    return options.Verb switch
    {
        "up" => await UpVerb.RunAsync(options, stop.Token),
        "smoke" => await UpVerb.SmokeAsync(options, stop.Token),
        "demo" => await UpVerb.DemoAsync(options, stop.Token),
        "servers" => await ServersVerb.RunAsync(options, stop.Token),
        "clock" => MoveClock(options),
        "certificates" => await MakeCertificatesAsync(options),
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

int MoveClock(Options options)
{
    var amount = options.Amount ?? throw new RunFailedException(Options.Usage);
    var now = Directory.Exists(options.Dir)
        ? ClockOffset.Move(options.Dir, amount)
        : throw new RunFailedException($"there is no {options.Dir}: nothing has run here");
    Console.WriteLine($"the platform's time is now {now:u}");
    return 0;
}

async Task<int> MakeCertificatesAsync(Options options)
{
    using var folder = await RunFolder.OpenAsync(options.Dir, fresh: false, stop.Token);
    Console.WriteLine($"development certificates: {Path.GetDirectoryName(new Certificates(folder).CaFile)}");
    return 0;
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
