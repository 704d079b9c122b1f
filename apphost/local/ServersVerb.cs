using Rollcall.Local.Processes;
using Rollcall.Local.Servers;

namespace Rollcall.Local;

/// <summary><c>servers</c>: the servers alone, until told to stop. For tests and for the Aspire host.</summary>
public static class ServersVerb
{
    public static async Task<int> RunAsync(Options options, CancellationToken ct)
    {
        using var folder = await RunFolder.OpenAsync(options.Dir, fresh: false, ct);
        KeepGivenPasswords(folder);
        Withdraw(options.Out);
        var output = Output.Quiet();
        var servers = new ServerSet(folder, output, options.Servers);
        try
        {
            var addresses = await servers.StartAsync(ct);
            Publish(addresses, options.Out, output);
            await Task.Delay(Timeout.Infinite, ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            output.Say("stopping");
        }
        finally
        {
            Withdraw(options.Out);
            await servers.StopAsync();
            await Leftovers.ClearAsync(folder.Path, TimeSpan.FromSeconds(2), CancellationToken.None);
        }

        return 0;
    }

    // Whoever starts us on given ports may know the passwords beforehand too; not as arguments, which everybody can read.
    private static void KeepGivenPasswords(RunFolder folder)
    {
        foreach (var server in new[] { "postgres", "rabbitmq" })
        {
            if (
                Environment.GetEnvironmentVariable($"ROLLCALL_{server.ToUpperInvariant()}_PASSWORD") is
                { Length: > 0 } given
            )
            {
                folder.KeepSecret(server, given);
            }
        }
    }

    // Its presence means: all are ready.
    private static void Withdraw(string? file)
    {
        if (file is not null)
        {
            File.Delete(file);
        }
    }

    private static void Publish(ServerAddresses addresses, string? file, Output output)
    {
        if (file is null)
        {
            output.Say(addresses.ToJson());
            return;
        }

        // Whoever waits for the file must never see half of it.
        File.WriteAllText(file + ".new", addresses.ToJson());
        File.Move(file + ".new", file, overwrite: true);
        output.Say($"servers are ready: {file}");
    }
}
