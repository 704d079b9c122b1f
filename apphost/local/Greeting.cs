using Rollcall.Local.Processes;

namespace Rollcall.Local;

/// <summary>What is said when everything is healthy.</summary>
public static class Greeting
{
    public static void Say(
        Output output,
        Endpoints endpoints,
        GraphSettings graph,
        RunFolder folder,
        Dashboard? dashboard
    )
    {
        output.Say("");
        output.Say("Rollcall is running; Ctrl-C stops it.");
        Line("gRPC", endpoints.Grpc);
        Line("HTTP", endpoints.Http);
        Line("Graph", $"{endpoints.Graph}{(endpoints.GraphCa is { } ca ? $"  (CA {ca})" : "")}");
        Line("Graph app", $"{graph.ClientId}, signs in with {graph.CertificateFile}");
        Line("token endpoint", endpoints.Token);
        foreach (var (name, caller) in endpoints.Operators)
        {
            Line("sign-in", $"{name}: client_id={caller.ClientId} client_secret={caller.ClientSecret}");
        }

        Line("mails", Path.Combine(endpoints.Mail, "new"));
        Line("logs", folder.In("logs"));
        Line("dashboard", dashboard?.Url ?? "none (the aspire command is not installed)");
        Line("all of it", folder.In(Endpoints.FileName));
        output.Say("");

        void Line(string label, string value) => output.Say($"  {label, -15} {value}");
    }
}
