using System.Globalization;
using Rollcall.Local.Processes;

namespace Rollcall.Local.Servers;

/// <summary>A private Redis: a cache, so nothing is written to disk.</summary>
public sealed class RedisServer(RunFolder folder, int port)
{
    public string ConnectionString => $"127.0.0.1:{port}";

    public ProcessSpec Process =>
        new(
            "redis",
            Programs.Find("redis-server"),
            "--port",
            port.ToString(CultureInfo.InvariantCulture),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            folder.Path
        )
        {
            IsReadyAsync = ct => Tcp.AnswersAsync(port, "PING\r\n"u8.ToArray(), "+PONG"u8.ToArray(), ct),
        };
}
