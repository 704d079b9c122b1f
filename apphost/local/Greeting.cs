using Rollcall.Local.Processes;

namespace Rollcall.Local;

/// <summary>What is said when everything is healthy.</summary>
public sealed class Greeting(Output output)
{
    public void Say(Endpoints endpoints, GraphSettings graph, RunFolder folder, Dashboard? dashboard)
    {
        output.Say("");
        output.Say("Rollcall is running; Ctrl-C stops it.");
        Line("gRPC", endpoints.Grpc);
        Line("HTTP", endpoints.Http);
        Line("token endpoint", endpoints.Token);
        SaySignIns(endpoints.Operators);
        if (endpoints.GraphCa is { } ca)
        {
            Line("directories", $"{endpoints.Graph}/_emulator/  (CA {ca})");
        }
        else
        {
            Line("Graph", endpoints.Graph);
        }

        Line("Graph app", $"{graph.ClientId}, signs in with {graph.CertificateFile}");
        Line("mails", Path.Combine(endpoints.Mail, "new"));
        Line("logs", folder.In("logs"));
        Line("dashboard", dashboard?.Url ?? "none (the aspire command is not installed)");
        Line("all of it", folder.In(Endpoints.FileName));
        output.Say("");
    }

    public void SaySignIns(IReadOnlyDictionary<string, DemoCaller> callers)
    {
        foreach (var (name, caller) in callers)
        {
            Line("sign-in", $"{name}: client_id={caller.ClientId} client_secret={caller.ClientSecret}");
        }
    }

    private void Line(string label, string value) => output.Say($"  {label, -15} {value}");
}
