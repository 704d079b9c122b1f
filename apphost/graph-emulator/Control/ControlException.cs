using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Control;

/// <summary>A control call that cannot be done; answered as <c>{"error": …}</c>.</summary>
public sealed class ControlException(int status, string message) : Exception(message)
{
    public int Status => status;

    public static ControlException NotFound(string what) => new(404, $"{what} not found.");

    public static ControlException Bad(string message) => new(400, message);

    /// <summary>Endpoint filter of all control endpoints.</summary>
    public static async ValueTask<object?> Filter(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            context.HttpContext.RequestServices.GetRequiredService<Emulation>().Touched = true;
            return await next(context);
        }
        catch (ControlException error)
        {
            return Results.Json(new { error = error.Message }, statusCode: error.Status);
        }
        catch (System.Text.Json.JsonException error)
        {
            return Results.Json(new { error = error.Message }, statusCode: 400);
        }
    }
}
