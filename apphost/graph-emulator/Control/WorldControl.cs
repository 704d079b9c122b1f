using System.Globalization;
using System.Text.Json;
using Rollcall.GraphEmulator.Faults;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Control;

/// <summary>Control of what is not one tenant's: faults and the clock.</summary>
public static class WorldControl
{
    public static void Map(RouteGroupBuilder control)
    {
        control.MapGet("/faults", (FaultSchedule s) => Results.Json(s.Rules, TenantsControl.Json));
        control.MapPost("/faults", AddFaults);
        control.MapDelete("/faults", ClearFaults);
        control.MapDelete(
            "/faults/{id:guid}",
            (Guid id, FaultSchedule s) => s.Remove(id) ? Results.NoContent() : Results.NotFound()
        );
        control.MapPut("/faults/seed", SeedFaults);
        control.MapGet("/clock", Clock);
        control.MapPost("/clock", Advance);
        control.MapDelete("/clock", ResetClock);
    }

    /// <summary>One rule or a list of them.</summary>
    private static IResult AddFaults(JsonElement body, FaultSchedule schedule)
    {
        var one = body.ValueKind == JsonValueKind.Array ? null : body.Deserialize<FaultRule>(TenantsControl.Json);
        var rules = one is null ? body.Deserialize<List<FaultRule>>(TenantsControl.Json)! : [one];
        schedule.Add(rules);
        return Results.Json(rules, TenantsControl.Json, statusCode: 201);
    }

    private static IResult ClearFaults(FaultSchedule schedule, Guid? tenant)
    {
        schedule.Clear(tenant);
        return Results.NoContent();
    }

    private static IResult SeedFaults(JsonElement body, FaultSchedule schedule)
    {
        schedule.Seed(body.GetProperty("seed").GetInt32());
        return Results.NoContent();
    }

    private static IResult Clock(EmulatorClock clock) =>
        Results.Json(
            new { now = clock.GetUtcNow(), offset = clock.Offset.ToString("c", CultureInfo.InvariantCulture) }
        );

    /// <summary>By {"advance": "8.00:00:00"} or {"advance": seconds}.</summary>
    private static IResult Advance(JsonElement body, EmulatorClock clock, Emulation emulation)
    {
        var by = body.GetProperty("advance");
        clock.Advance(
            by.ValueKind == JsonValueKind.Number
                ? TimeSpan.FromSeconds(by.GetDouble())
                : TimeSpan.Parse(by.GetString()!, CultureInfo.InvariantCulture)
        );
        foreach (var tenant in emulation.Tenants.Values)
        {
            TenantsControl.Locked(tenant, x => x.PendingCount);
        }

        return Clock(clock);
    }

    private static IResult ResetClock(EmulatorClock clock)
    {
        clock.Reset();
        return Clock(clock);
    }
}
