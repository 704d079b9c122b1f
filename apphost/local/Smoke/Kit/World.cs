using Rollcall.Api.Reporting.V1;

namespace Rollcall.Local;

/// <summary>A client of the MSP and the directory it brings.</summary>
/// <param name="Directory">Its Microsoft 365 tenant.</param>
public sealed record Company(string Name, string Zone, string Directory, string Domain)
{
    /// <summary>Empty until the MSP has created it.</summary>
    public string ClientId { get; set; } = "";

    /// <summary>The newest sync run the story has looked at; null before the first.</summary>
    public string? LastRun { get; set; }

    /// <summary>The coverage report before anything changed in the directory.</summary>
    public GetCoverageResponse? Before { get; set; }

    public string Mail(string local) => $"{local}@{Domain}";
}

/// <summary>Who and what the story is about: two client companies, those who work for them, and an MSP that must see neither.</summary>
public sealed class World(Endpoints endpoints) : IDisposable
{
    private readonly List<ApiCaller> callers = [];
    private readonly HttpClient browser = new(new SocketsHttpHandler { UseProxy = false });

    public Endpoints Endpoints => endpoints;
    public Emulator Emulator { get; } = new(endpoints);
    public Maildir Mails { get; } = new(endpoints.Mail);

    /// <summary>Fifty accounts with most of what makes directories awkward.</summary>
    public Company A { get; } =
        new("Fabrikam Ltd", "Europe/London", "fab00000-0000-4000-8000-000000000001", "fabrikam.example");

    /// <summary>A small practice, a little neglected.</summary>
    public Company B { get; } =
        new("Contoso LLP", "Europe/Dublin", "c0500000-0000-4000-8000-000000000002", "contoso.example");

    public IEnumerable<Company> Both => [A, B];

    /// <summary>Everything of the MSP.</summary>
    public ApiCaller Admin { get; set; } = null!;

    /// <summary>Day-to-day work on A and B.</summary>
    public ApiCaller Technician { get; set; } = null!;

    /// <summary>Reads reports of A.</summary>
    public ApiCaller ViewerOfA { get; set; } = null!;

    /// <summary>Day-to-day work on A alone.</summary>
    public ApiCaller TechnicianOfA { get; set; } = null!;

    /// <summary>The MSP's service desk software.</summary>
    public ApiCaller ServiceDesk { get; set; } = null!;

    /// <summary>Admin of another MSP.</summary>
    public ApiCaller Stranger { get; set; } = null!;

    public ApiCaller SignIn(string clientId, string clientSecret)
    {
        var caller = new ApiCaller(endpoints, clientId, clientSecret);
        callers.Add(caller);
        return caller;
    }

    /// <summary>What a browser shows at an address of the platform.</summary>
    public async Task<(int Status, string Page)> BrowseAsync(Uri address, CancellationToken ct)
    {
        using var answer = await browser.GetAsync(address, ct);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(ct));
    }

    /// <summary>Moves the time people see, and waits until the reports have it.</summary>
    public async Task MoveClockAsync(int days, CancellationToken ct)
    {
        var before = await TodayAsync(ct);
        ClockOffset.Move(endpoints.RunFolder, $"+{days}d");
        await Until.HoldsAsync(
            $"reports to be {days} days on from {before}",
            () => TodayAsync(ct),
            today => today != before,
            today => today,
            ct
        );
    }

    public void Dispose()
    {
        callers.ForEach(c => c.Dispose());
        Emulator.Dispose();
        browser.Dispose();
    }

    private async Task<string> TodayAsync(CancellationToken ct) =>
        (await Admin.Reports.GetCoverageAsync(new() { ClientId = A.ClientId }, cancellationToken: ct)).Basis.AsOf;
}
