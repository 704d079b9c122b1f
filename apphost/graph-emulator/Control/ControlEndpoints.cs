namespace Rollcall.GraphEmulator.Control;

/// <summary>The control API under /_emulator: plain JSON, no sign-in, described in README.md.</summary>
public static class ControlEndpoints
{
    public static void Map(WebApplication app)
    {
        var page = Resources.Read("page.html");
        var control = app.MapGroup("/_emulator").AddEndpointFilter(ControlException.Filter);
        control.MapGet("/", () => Results.Content(page, "text/html; charset=utf-8"));
        TenantsControl.Map(control);
        UsersControl.Map(control);
        GroupsControl.Map(control);
        AppsControl.Map(control);
        SubscriptionsControl.Map(control);
        WorldControl.Map(control);
    }
}
