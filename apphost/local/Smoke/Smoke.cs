using Rollcall.Local.Processes;

namespace Rollcall.Local;

/// <summary>The main job of the platform, once, through its public APIs; says what happened step by step.</summary>
public static class Smoke
{
    public static async Task RunAsync(Endpoints endpoints, Options options, CancellationToken ct)
    {
        Console.WriteLine($"Rollcall's main job with {options.Clients} client tenants");
        foreach (var (name, address) in endpoints.Services)
        {
            if (!await Http.IsReady(address)(ct))
            {
                throw new RunFailedException($"{name} is not ready");
            }

            Console.WriteLine($"ok  {name} is ready");
        }
    }
}
