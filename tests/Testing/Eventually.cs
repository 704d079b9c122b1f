namespace Rollcall.Testing;

/// <summary>Waits for what a consumer or worker does on its own time.</summary>
public static class Eventually
{
    /// <inheritdoc cref="HoldsAsync(Func{Task}, TimeSpan?)"/>
    public static Task HoldsAsync(Action check, TimeSpan? limit = null) =>
        HoldsAsync(
            () =>
            {
                check();
                return Task.CompletedTask;
            },
            limit
        );

    /// <summary>Returns once the check passes; fails with its last exception after the limit (30 s, for busy machines).</summary>
    public static async Task HoldsAsync(Func<Task> check, TimeSpan? limit = null)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                await check();
                return;
            }
            catch (Exception) when (TimeProvider.System.GetElapsedTime(start) < (limit ?? TimeSpan.FromSeconds(30)))
            {
                await Task.Delay(50);
            }
        }
    }
}
