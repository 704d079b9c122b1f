using System.Globalization;
using Rollcall.Local.Processes;

namespace Rollcall.Local;

/// <summary>The command line.</summary>
public sealed record Options(string Verb, string Dir)
{
    public const string Usage = """
        ./run [up]                the whole platform; Ctrl-C stops it
        ./run smoke               the whole platform on fresh data, and its main job once
        ./run demo                like smoke, then stays up to look around in what the main job left
        ./run servers             only PostgreSQL, Redis, RabbitMQ and the mail drop
        ./run clock +30d|+6h|0    moves the clock of the running platform on; 0 = the real time again

        ./run certificates        only the development certificates (DIR/tls)

          --dir DIR               where everything is kept (default .run; smoke and demo: .run/smoke, .run/demo;
                                  clock: whichever of them runs)
          --graph URL --authority URL [--graph-ca FILE]
                                  other Graph and sign-in endpoints than the emulator's, without demo data
          --clients N             smoke: further clients of 400 accounts, onboarded at once (default 0)
          --only A,B              these services only
          --out FILE              servers: writes their addresses there when all are ready
          --vhost A,B             servers: further RabbitMQ virtual hosts
          --postgres-port N --redis-port N --rabbitmq-port N --mail-port N
          --parent PID            stops when that process ends
        """;

    public string? Amount { get; init; }
    public string? Graph { get; init; }
    public string? Authority { get; init; }
    public string? GraphCa { get; init; }
    public int Clients { get; init; }
    public IReadOnlyList<string> Only { get; init; } = [];
    public string? Out { get; init; }
    public int? Parent { get; init; }
    public ServerOptions Servers { get; init; } = new();

    public static Options Parse(IReadOnlyList<string> args)
    {
        var words = args.TakeWhile(a => !a.StartsWith("--", StringComparison.Ordinal)).ToList();
        var named = Pairs(args.Skip(words.Count).ToList());
        var verb = words.FirstOrDefault() ?? "up";
        var runs = Path.Combine(Checkout.Root, ".run");
        var dir =
            Take(named, "dir")
            ?? verb switch
            {
                "smoke" or "demo" => Path.Combine(runs, verb),
                "clock" => RunFolder.Running([runs, Path.Combine(runs, "demo"), Path.Combine(runs, "smoke")]),
                _ => runs,
            };
        var options = new Options(verb, Path.GetFullPath(dir))
        {
            Amount = words.ElementAtOrDefault(1),
            Graph = Take(named, "graph"),
            Authority = Take(named, "authority"),
            GraphCa = Take(named, "graph-ca") is { } file ? Path.GetFullPath(file) : null,
            Clients = TakeNumber(named, "clients") ?? 0,
            Only = TakeList(named, "only"),
            Out = Take(named, "out") is { } target ? Path.GetFullPath(target) : null,
            Parent = TakeNumber(named, "parent"),
            Servers = new()
            {
                PostgresPort = TakeNumber(named, "postgres-port"),
                RedisPort = TakeNumber(named, "redis-port"),
                RabbitmqPort = TakeNumber(named, "rabbitmq-port"),
                MailPort = TakeNumber(named, "mail-port"),
                VirtualHosts = TakeList(named, "vhost"),
            },
        };
        if (named.Count > 0 || words.Count > (verb == "clock" ? 2 : 1))
        {
            throw new RunFailedException($"not understood: {string.Join(' ', args)}\n{Usage}");
        }

        return (options.Graph is null) == (options.Authority is null)
            ? options
            : throw new RunFailedException("--graph and --authority go together");
    }

    private static Dictionary<string, string> Pairs(List<string> args)
    {
        if (
            args.Count % 2 != 0
            || args.Where((_, i) => i % 2 == 0).Any(a => !a.StartsWith("--", StringComparison.Ordinal))
        )
        {
            throw new RunFailedException($"not understood: {string.Join(' ', args)}\n{Usage}");
        }

        return args.Chunk(2).ToDictionary(pair => pair[0][2..], pair => pair[1], StringComparer.Ordinal);
    }

    private static string? Take(Dictionary<string, string> named, string name) =>
        named.Remove(name, out var value) ? value : null;

    private static string[] TakeList(Dictionary<string, string> named, string name) =>
        (Take(named, name) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries);

    private static int? TakeNumber(Dictionary<string, string> named, string name) =>
        Take(named, name) is not { } text ? null
        : int.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number
        : throw new RunFailedException($"--{name} is a number");
}

/// <summary>What the servers can be told; null = a free port.</summary>
public sealed record ServerOptions
{
    public int? PostgresPort { get; init; }
    public int? RedisPort { get; init; }
    public int? RabbitmqPort { get; init; }
    public int? MailPort { get; init; }
    public IReadOnlyList<string> VirtualHosts { get; init; } = [];
}
