using System.ComponentModel.DataAnnotations;

namespace Rollcall.Notification.Tickets;

/// <summary>Timing of the partners' stream.</summary>
public sealed class TicketOptions
{
    /// <summary>Silence after which a heartbeat is sent; proxies close streams that are silent for 100 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>How often a stream looks for new events.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:20")]
    public TimeSpan Poll { get; set; } = TimeSpan.FromSeconds(1);
}
