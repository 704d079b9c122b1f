using Rollcall.Local.Processes;
using Rollcall.Local.Servers;

namespace Rollcall.Local;

/// <summary>The Aspire dashboard on its own, where the <c>aspire</c> command is installed.</summary>
public sealed record Dashboard(string Url, string Otlp)
{
    public static async Task<Dashboard?> StartAsync(ProcessGroup group, RunFolder folder, CancellationToken ct)
    {
        if (Programs.TryFind("aspire") is not { } aspire)
        {
            return null;
        }

        var dashboard = new Dashboard(Address("dashboard"), Address("otlp-grpc"));
        string[] args =
        [
            "dashboard",
            "run",
            "--frontend-url",
            dashboard.Url,
            "--otlp-grpc-url",
            dashboard.Otlp,
            "--otlp-http-url",
            Address("otlp-http"),
            "--allow-anonymous",
            "--non-interactive",
            "--nologo",
        ];
        var process = new ProcessSpec("dashboard", aspire, args) { IsReadyAsync = Http.Answers(dashboard.Url) };
        await group.StartAsync([process], TimeSpan.FromSeconds(60), ct);
        return dashboard;

        string Address(string name) => $"http://127.0.0.1:{folder.Port(name)}";
    }
}
