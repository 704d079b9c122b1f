namespace Rollcall.Benchmarks.Sync;

/// <summary>The table of directory-sync's promises about speed.</summary>
public static class SyncRows
{
    public static readonly IReadOnlyList<Row> All =
    [
        new("first sync and one percent of 100k people", BigTenant.RunAsync),
        new("dry run of 100k people", BigDryRun.RunAsync),
        new("first sync of 10k people, 50 ms per call", MediumTenant.RunAsync),
        new("change to event, with notification", Notifications.RunAsync),
        new("nothing changed in 10k people, 50 ms per call", NothingChanged.RunAsync),
        new("1,000 clients, 1 hanging and 100 refusing", Neighbours.RunAsync),
        new("200 clients for half an hour", Soak.SoakRow.RunAsync, Soak: true),
        new("10k idle clients due at once, 50 ms per call", IdleFleet.RunAsync),
    ];
}
