using System.Diagnostics;
using Rollcall.DirectorySync.Api;

namespace Rollcall.DirectorySync.Tests.Model;

/// <summary>The service as a process of its own, which can die for real.</summary>
public sealed class ServiceProcess : IAsyncDisposable
{
    private const int Killed = 128 + 9;
    private readonly Process process;
    private readonly string? crash;

    public ServiceProcess(DirectoryFixture service, string database, string? crashAt)
    {
        var start = new ProcessStartInfo("dotnet", typeof(ClientApi).Assembly.Location)
        {
            UseShellExecute = false,
            WorkingDirectory = AppContext.BaseDirectory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (key, value) in service.ProcessSettings(database))
        {
            start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        start.Environment["ROLLCALL_CRASH_AT"] = crashAt;
        crash = crashAt;
        process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => Log(line.Data);
        process.ErrorDataReceived += (_, line) => Log(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>What it wrote, for people who look into a failure.</summary>
    public System.Text.StringBuilder Output { get; } = new();

    /// <summary>Waits until it has died of its crash point.</summary>
    public async Task DiesAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"{crash} was not reached:\n{Output}");
        }

        Assert.True(process.ExitCode == Killed, $"Ended with {process.ExitCode}:\n{Output}");
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }

        process.Dispose();
    }

    private void Log(string? line)
    {
        lock (Output)
        {
            Output.AppendLine(line);
        }
    }
}
