using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator;

/// <summary>Writes the state file a few seconds after changes and when the emulator stops.</summary>
public sealed class StateSaver(Emulation emulation, IConfiguration configuration) : BackgroundService
{
    private readonly string? file = configuration["Emulator:StateFile"];

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        Save();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(3));
        while (file is not null && await timer.WaitForNextTickAsync(stoppingToken))
        {
            Save();
        }
    }

    private void Save()
    {
        if (file is not null && emulation.Touched)
        {
            emulation.Touched = false;
            StateFile.Write(emulation, file);
        }
    }
}
