using Rollcall.Local.Processes;

namespace Rollcall.Local;

/// <summary>The main job of the platform, once, through its public APIs; says what happened step by step.</summary>
public static class Smoke
{
    /// <returns>The credentials of the story's people.</returns>
    public static async Task<Dictionary<string, DemoCaller>> RunAsync(
        Endpoints endpoints,
        Options options,
        CancellationToken ct
    )
    {
        if (options.Graph is not null)
        {
            throw new RunFailedException("smoke changes the directories it reads: it runs on the emulator only");
        }

        using var world = new World(endpoints);
        var story = new Story(endpoints.RunFolder, ct);
        await Onboarding.RunAsync(story, world, ct);
        await Training.RunAsync(story, world, ct);
        await Reports.BeforeAsync(story, world, ct);
        await DirectoryChanges.RunAsync(story, world, ct);
        await Comparison.RunAsync(story, world, ct);
        await Reminders.RunAsync(story, world, ct);
        await Reports.AfterAsync(story, world, ct);
        await Revocation.RunAsync(story, world, ct);
        await Isolation.RunAsync(story, world, ct);
        await BadInput.RunAsync(story, world, ct);
        if (options.Clients > 0)
        {
            await ManyClients.RunAsync(story, world, options.Clients, ct);
        }

        var memory = Memory.OfServices(endpoints.RunFolder, endpoints.Services.Keys);
        var sum = memory.Values.Sum();
        story.Summarize(
            $"memory: {sum:0} MB PSS of {Memory.LimitMegabytes:0} ("
                + $"{string.Join(", ", memory.Select(m => $"{m.Key} {m.Value:0}"))})"
        );
        if (sum > Memory.LimitMegabytes)
        {
            throw new RunFailedException($"the services need {sum:0} MB, more than {Memory.LimitMegabytes:0}");
        }

        return new(StringComparer.Ordinal)
        {
            ["msp-admin"] = world.Admin.Credentials,
            ["technician"] = world.Technician.Credentials,
            ["service-desk"] = world.ServiceDesk.Credentials,
        };
    }
}
