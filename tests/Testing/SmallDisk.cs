using System.Globalization;
using Rollcall.Local;
using Rollcall.Local.Processes;

namespace Rollcall.Testing;

/// <summary>
/// A disk of a few megabytes that can be really full. It is mounted in a namespace of its own, which its holder keeps:
/// other programs never see it, and it is gone with the tests, however they end.
/// </summary>
public sealed class SmallDisk
{
    private readonly RunFolder folder;
    private readonly OwnServer holder;

    private SmallDisk(RunFolder folder, OwnServer holder) => (this.folder, this.holder) = (folder, holder);

    /// <summary>There on every Linux, and open to every account, which a temporary folder may not be.</summary>
    public const string Path = "/mnt";

    /// <summary>Where a program outside the namespace finds it.</summary>
    public string PathFromOutside => $"/proc/{Holder}/root{Path}";

    private string Holder => File.ReadAllText(folder.PidFile("disk")).Trim();

    public static async Task<SmallDisk> MountAsync(RunFolder folder, int megabytes)
    {
        var size = megabytes.ToString(CultureInfo.InvariantCulture);
        // Postgres wants to own its tablespace.
        var owned = Environment.IsPrivilegedProcess ? $"chown postgres: {Path}; " : "";
        var mounted = folder.In("tmp/mounted");
        string[] script =
        [
            "--mount",
            "bash",
            "-ec",
            $"mount -t tmpfs -o size={size}m rollcall-tests {Path}; {owned}touch '{mounted}'; exec sleep infinity",
        ];
        var spec = new ProcessSpec("disk", "unshare", script)
        {
            IsReadyAsync = _ => Task.FromResult(File.Exists(mounted)),
        };
        var keeper = new OwnServer(spec, folder);
        await keeper.StartAsync();
        return new(folder, keeper);
    }

    /// <summary>The program as it runs where the disk can be seen.</summary>
    public ProcessSpec Seen(ProcessSpec spec) =>
        spec with
        {
            File = "nsenter",
            Args =
            [
                $"--mount=/proc/{Holder}/ns/mnt",
                "setpriv",
                .. Accounts.SetprivOptions(spec.User),
                "--pdeathsig",
                spec.DeathSignal,
                spec.File,
                .. spec.Args,
            ],
            User = null,
        };

    public Task UnmountAsync() => holder.KillAsync();
}
