using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using Rollcall.Local.Processes;

namespace Rollcall.Local;

/// <summary>The one folder a run writes to (<c>.run/</c>): data, logs, secrets, chosen ports. One run at a time.</summary>
public sealed class RunFolder : IDisposable
{
    // Below the range the kernel takes outgoing ports from: nobody takes one between our look and its use.
    private const int FirstPort = 20_000;
    private const int LastPort = 32_000;

    /// <summary>What children put into their TMPDIR stays here too.</summary>
    public const string Temporary = "tmp";

    private const string LockFile = "lock";
    private const string StateFile = "state.json";

    private readonly Lock gate = new();
    private readonly FileStream heldLock;
    private readonly RunState state;
    private readonly Dictionary<string, int> given = [];

    private RunFolder(string path, FileStream heldLock)
    {
        Path = path;
        this.heldLock = heldLock;
        state = File.Exists(In(StateFile))
            ? JsonSerializer.Deserialize<RunState>(File.ReadAllText(In(StateFile)))!
            : new();
    }

    public string Path { get; }

    /// <param name="fresh">Nothing of an earlier run is kept.</param>
    public static async Task<RunFolder> OpenAsync(string path, bool fresh, CancellationToken ct)
    {
        Directory.CreateDirectory(path);
        var held = Lock(path);
        await Leftovers.ClearAsync(path, TimeSpan.FromSeconds(10), ct);
        foreach (var entry in new DirectoryInfo(path).EnumerateFileSystemInfos())
        {
            if (entry.Name is "logs" or "pids" or Temporary || (fresh && entry.Name != LockFile))
            {
                Delete(entry);
            }
        }

        Directory.CreateDirectory(System.IO.Path.Combine(path, "logs"));
        Directory.CreateDirectory(System.IO.Path.Combine(path, "pids"));
        Directory.CreateDirectory(System.IO.Path.Combine(path, Temporary));
        return new(path, held);
    }

    /// <summary>The folder that somebody has open.</summary>
    public static string Running(IEnumerable<string> folders) =>
        folders.FirstOrDefault(IsHeld)
        ?? throw new RunFailedException("no platform is running here: start ./run, or name its folder with --dir");

    public string In(string name) => System.IO.Path.Combine(Path, name);

    public string LogFile(string name) => In($"logs/{name}.log");

    public string PidFile(string name) => In($"pids/{name}.pid");

    /// <summary>A generated password, the same in every run of this folder.</summary>
    public string Secret(string name)
    {
        lock (gate)
        {
            if (!state.Secrets.TryGetValue(name, out var secret))
            {
                state.Secrets[name] = secret = RandomNumberGenerator.GetHexString(32, lowercase: true);
                Save();
            }

            return secret;
        }
    }

    /// <summary>Another password than the generated one, for as long as this folder lives.</summary>
    public void KeepSecret(string name, string secret)
    {
        lock (gate)
        {
            state.Secrets[name] = secret;
            Save();
        }
    }

    /// <summary>A free loopback port, the same in every run of this folder as long as nobody else has it.</summary>
    public int Port(string name)
    {
        lock (gate)
        {
            if (given.TryGetValue(name, out var port))
            {
                return port;
            }

            if (!state.Ports.TryGetValue(name, out port) || !IsFree(port))
            {
                do
                {
                    port = RandomNumberGenerator.GetInt32(FirstPort, LastPort);
                } while (!IsFree(port) || state.Ports.ContainsValue(port));

                state.Ports[name] = port;
                Save();
            }

            given[name] = port;
            return port;
        }
    }

    /// <summary>Writes a file that only this account may read and that is never seen half written.</summary>
    public string WritePrivate(string name, string content)
    {
        var (file, draft) = (In(name), In(name + ".new"));
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        using (var writer = new StreamWriter(draft, options))
        {
            writer.Write(content);
        }

        File.Move(draft, file, overwrite: true);
        return file;
    }

    public void Dispose() => heldLock.Dispose();

    private static FileStream Lock(string path)
    {
        try
        {
            // Held by the kernel for as long as we live, so a kill -9 leaves no lock behind.
            return new(System.IO.Path.Combine(path, LockFile), FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
        }
        catch (IOException)
        {
            throw new RunFailedException($"{path} is in use by another run: stop it, or choose another with --dir");
        }
    }

    private static bool IsHeld(string path)
    {
        if (!File.Exists(System.IO.Path.Combine(path, LockFile)))
        {
            return false;
        }

        try
        {
            Lock(path).Dispose();
            return false;
        }
        catch (RunFailedException)
        {
            return true;
        }
    }

    private static bool IsFree(int port)
    {
        using var probe = new TcpListener(IPAddress.Loopback, port);
        try
        {
            probe.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static void Delete(FileSystemInfo entry)
    {
        if (entry is DirectoryInfo directory)
        {
            directory.Delete(recursive: true);
        }
        else
        {
            entry.Delete();
        }
    }

    private void Save() => WritePrivate(StateFile, JsonSerializer.Serialize(state));

    private sealed class RunState
    {
        public Dictionary<string, string> Secrets { get; init; } = [];
        public Dictionary<string, int> Ports { get; init; } = [];
    }
}
