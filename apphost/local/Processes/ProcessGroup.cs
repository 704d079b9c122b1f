namespace Rollcall.Local.Processes;

/// <summary>Children that are started one after the other as needed and stopped all together.</summary>
public sealed class ProcessGroup(RunFolder folder, Output output)
{
    private readonly Lock gate = new();
    private readonly List<SupervisedProcess> members = [];

    public async Task StartAsync(IEnumerable<ProcessSpec> specs, TimeSpan patience, CancellationToken ct)
    {
        var added = specs.Select(s => new SupervisedProcess(s, folder, output)).ToList();
        lock (gate)
        {
            members.AddRange(added);
        }

        added.ForEach(m => m.Start());
        await Task.WhenAll(added.Select(m => m.WaitReadyAsync(patience, ct)));
    }

    public Task StopAsync(TimeSpan patience) => Task.WhenAll(members.Select(m => m.StopAsync(patience)));
}
