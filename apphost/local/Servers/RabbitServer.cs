using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Rollcall.Local.Processes;

namespace Rollcall.Local.Servers;

/// <summary>A private RabbitMQ node with its own name server (epmd), both on loopback, everything in the run folder.</summary>
public sealed class RabbitServer(RunFolder folder, int port, IReadOnlyList<string> virtualHosts)
{
    private const string User = "rollcall";
    private readonly string home = folder.In("rabbitmq");
    private readonly int epmdPort = folder.Port("epmd");
    private readonly int distributionPort = folder.Port("rabbitmq-distribution");

    public string ConnectionString => $"amqp://{User}:{folder.Secret("rabbitmq")}@127.0.0.1:{port}";

    /// <summary>Runs in the foreground as our child: the one Erlang starts by itself outlives everybody.</summary>
    public ProcessSpec NameServer =>
        new("epmd", Programs.Find("epmd"), "-port", Text(epmdPort), "-address", "127.0.0.1")
        {
            // "Which nodes are there?" is answered with its own port first.
            IsReadyAsync = ct =>
                Tcp.AnswersAsync(epmdPort, [0, 1, (byte)'n'], [0, 0, (byte)(epmdPort >> 8), (byte)epmdPort], ct),
        };

    public ProcessSpec Process =>
        new("rabbitmq", Program)
        {
            Environment = Environment,
            // The server greets a client of its protocol with frame type 1, channel 0.
            IsReadyAsync = ct => Tcp.AnswersAsync(port, "AMQP\0\0\x09\x01"u8.ToArray(), [1, 0, 0], ct),
        };

    // The one in /usr/sbin changes the user; this is the one it calls.
    private static string Program =>
        File.Exists("/usr/lib/rabbitmq/bin/rabbitmq-server")
            ? "/usr/lib/rabbitmq/bin/rabbitmq-server"
            : Programs.Find("rabbitmq-server");

    private Dictionary<string, string?> Environment =>
        new(StringComparer.Ordinal)
        {
            ["HOME"] = home, // the Erlang cookie
            ["ERL_EPMD_PORT"] = Text(epmdPort),
            ["ERL_FLAGS"] = "-start_epmd false",
            ["ERL_CRASH_DUMP"] = In("erl_crash.dump"),
            ["RUNNING_UNDER_SYSTEMD"] = "true", // start script becomes the server instead of its parent: signals reach it
            ["RABBITMQ_NODENAME"] = "rollcall@localhost",
            ["RABBITMQ_NODE_IP_ADDRESS"] = "127.0.0.1",
            ["RABBITMQ_NODE_PORT"] = Text(port),
            ["RABBITMQ_DIST_PORT"] = Text(distributionPort),
            ["RABBITMQ_BASE"] = home,
            ["RABBITMQ_CONF_ENV_FILE"] = "/dev/null",
            ["RABBITMQ_CONFIG_FILE"] = In("rabbitmq.conf"),
            ["RABBITMQ_CONFIG_FILES"] = In("conf.d"),
            ["RABBITMQ_ADVANCED_CONFIG_FILE"] = In("advanced.config"),
            ["RABBITMQ_GENERATED_CONFIG_DIR"] = In("generated"),
            ["RABBITMQ_SCHEMA_DIR"] = In("schema"),
            ["RABBITMQ_MNESIA_BASE"] = In("mnesia"),
            ["RABBITMQ_PLUGINS_EXPAND_DIR"] = In("plugins-expand"),
            ["RABBITMQ_ENABLED_PLUGINS_FILE"] = In("enabled_plugins"),
            ["RABBITMQ_FEATURE_FLAGS_FILE"] = In("feature_flags"),
            ["RABBITMQ_LOG_BASE"] = In("log"),
            ["RABBITMQ_LOGS"] = "-",
            ["RABBITMQ_PID_FILE"] = In("pid"),
            // Two schedulers that sleep instead of spinning: the machine is shared with everything else.
            ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] =
                "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
        };

    public void Prepare()
    {
        Directory.CreateDirectory(home);
        File.WriteAllText(In("enabled_plugins"), "[].\n");
        File.WriteAllText(In("advanced.config"), "[].\n");
        folder.WritePrivate("rabbitmq/definitions.json", Definitions());
        File.WriteAllText(
            In("rabbitmq.conf"),
            $"""
            listeners.tcp.loopback = 127.0.0.1:{port}
            load_definitions = {In("definitions.json")}
            log.console.level = warning
            disk_free_limit.absolute = 100MB
            # Quorum queues keep their log in memory up to this size; the default is 512 MB a node.
            raft.wal_max_size_bytes = 16777216
            raft.segment_max_entries = 4096

            """
        );
    }

    // Definitions instead of default_user: they also make the virtual hosts, before the first client is let in.
    private string Definitions()
    {
        string[] hosts = ["/", .. virtualHosts];
        return JsonSerializer.Serialize(
            new Dictionary<string, object>(StringComparer.Ordinal)
            {
                ["users"] = new[]
                {
                    new
                    {
                        name = User,
                        password_hash = PasswordHash(folder.Secret("rabbitmq")),
                        hashing_algorithm = "rabbit_password_hashing_sha256",
                        tags = "administrator",
                    },
                },
                ["vhosts"] = hosts.Select(h => new { name = h }),
                ["permissions"] = hosts.Select(h => new
                {
                    user = User,
                    vhost = h,
                    configure = ".*",
                    write = ".*",
                    read = ".*",
                }),
            }
        );
    }

    // https://www.rabbitmq.com/docs/passwords#computing-password-hash
    private static string PasswordHash(string password)
    {
        var salt = RandomNumberGenerator.GetBytes(4);
        var hash = SHA256.HashData([.. salt, .. Encoding.UTF8.GetBytes(password)]);
        return Convert.ToBase64String([.. salt, .. hash]);
    }

    private string In(string name) => Path.Combine(home, name);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
