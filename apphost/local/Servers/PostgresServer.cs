using System.Globalization;
using Npgsql;
using Rollcall.Local.Processes;

namespace Rollcall.Local.Servers;

/// <summary>A private PostgreSQL: tuned for many small databases on one machine, durability left on.</summary>
public sealed class PostgresServer(RunFolder folder, int port)
{
    private readonly string home = folder.In("postgres");

    private string Data => Path.Combine(home, "data");

    public string ConnectionString =>
        $"Host=127.0.0.1;Port={port};Username=postgres;Password={folder.Secret("postgres")}";

    public ProcessSpec Process =>
        new(
            "postgres",
            Programs.Postgres("postgres"),
            [
                "-D",
                Data,
                "-p",
                port.ToString(CultureInfo.InvariantCulture),
                .. Settings.SelectMany(s => (string[])["-c", s]),
            ]
        )
        {
            User = "postgres",
            // "Fast": clients are sent away. TERM would wait for them.
            StopSignal = Signals.Interrupt,
            // "Immediate": shared memory is freed, the next start recovers.
            DeathSignal = "QUIT",
            BeforeStart = ForgetForeignPid,
            IsReadyAsync = ct => AnswersAsync(ConnectionString, ct),
        };

    private static IEnumerable<string> Settings =>
        [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=400",
            "shared_buffers=128MB",
            "dynamic_shared_memory_type=mmap", // in the data folder: nothing stays in /dev/shm
            "wal_level=minimal",
            "max_wal_senders=0",
            "max_logical_replication_workers=0",
            "max_wal_size=2GB",
            "wal_init_zero=off", // its log files are always new; a server that runs for long uses them again
            "wal_buffers=16MB",
            "checkpoint_timeout=15min",
            "max_locks_per_transaction=256", // partitions
        ];

    /// <summary>Makes the data folder on the first run.</summary>
    public async Task PrepareAsync(Output output, CancellationToken ct)
    {
        if (Directory.Exists(Data))
        {
            return;
        }

        if (Directory.Exists(home))
        {
            // An earlier run was killed while it made the folder.
            Directory.Delete(home, recursive: true);
        }

        Directory.CreateDirectory(home);
        var draft = Path.Combine(home, "data.new");
        var password = folder.WritePrivate("postgres/password", folder.Secret("postgres"));
        if (Environment.IsPrivilegedProcess)
        {
            await Command.RunAsync(new("chown", "chown", "-R", "postgres:postgres", home), folder, output, ct);
        }

        string[] args = ["-D", draft, "-U", "postgres", "--auth=scram-sha-256", "--pwfile", password, "-E", "UTF8"];
        var initdb = new ProcessSpec("initdb", Programs.Postgres("initdb"), [.. args, "--locale=C.UTF-8"])
        {
            User = "postgres",
        };
        await Command.RunAsync(initdb, folder, output, ct);
        File.Delete(password);
        Directory.Move(draft, Data);
    }

    public static async Task<bool> AnswersAsync(string connectionString, CancellationToken ct)
    {
        try
        {
            // A pooled connection would hold up the server's end.
            await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false;Timeout=5");
            await connection.OpenAsync(ct);
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    // After a kill -9 the number in postmaster.pid may by now belong to any program; Postgres would not start. When it is
    // a Postgres or nobody, Postgres judges by itself, with its shared memory as witness.
    private void ForgetForeignPid()
    {
        var file = Path.Combine(Data, "postmaster.pid");
        if (!File.Exists(file))
        {
            return;
        }

        var name = $"/proc/{File.ReadLines(file).FirstOrDefault()}/comm";
        if (File.Exists(name) && File.ReadAllText(name).Trim() != "postgres")
        {
            File.Delete(file);
        }
    }
}
