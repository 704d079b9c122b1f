using Rollcall.Local.Processes;

namespace Rollcall.Local;

/// <summary>
/// <c>up</c>: the platform until told to stop. <c>smoke</c>: the platform on fresh data, its main job once.
/// <c>demo</c>: both, to look around in what the main job left.
/// </summary>
public static class UpVerb
{
    public static async Task<int> RunAsync(Options options, CancellationToken ct)
    {
        using var folder = await RunFolder.OpenAsync(options.Dir, fresh: false, ct);
        await RunAsync(folder, options, echo: true, _ => Task.Delay(Timeout.Infinite, ct), ct);
        return 0;
    }

    public static async Task<int> SmokeAsync(Options options, CancellationToken ct)
    {
        using var folder = await RunFolder.OpenAsync(options.Dir, fresh: true, ct);
        await RunAsync(folder, options, echo: false, endpoints => Smoke.RunAsync(endpoints, options, ct), ct);
        ct.ThrowIfCancellationRequested();
        if (Leftovers.Find(folder.Path) is [_, ..] left)
        {
            throw new RunFailedException($"still running after the end: {string.Join(' ', left)}");
        }

        Console.WriteLine("smoke passed; everything stopped, nothing left running");
        return 0;
    }

    public static async Task<int> DemoAsync(Options options, CancellationToken ct)
    {
        using var folder = await RunFolder.OpenAsync(options.Dir, fresh: true, ct);
        await RunAsync(
            folder,
            options,
            echo: false,
            async endpoints =>
            {
                var operators = await Smoke.RunAsync(endpoints, options, ct);
                new Greeting(new(echoChildren: false)).SaySignIns(operators);
                await Task.Delay(Timeout.Infinite, ct);
            },
            ct
        );
        return 0;
    }

    private static async Task RunAsync(
        RunFolder folder,
        Options options,
        bool echo,
        Func<Endpoints, Task> work,
        CancellationToken ct
    )
    {
        var output = new Output(echo);
        var host = new PlatformHost(folder, output, options);
        try
        {
            await work(await host.StartAsync(ct));
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            output.Say("stopping");
        }
        finally
        {
            await host.StopAsync();
        }
    }
}
