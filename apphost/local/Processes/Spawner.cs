using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Rollcall.Local.Processes;

/// <summary>
/// Starts children that cannot outlive this process: each in a session of its own (Ctrl-C reaches us alone), marked with
/// the run folder, and with a parent death signal.
/// </summary>
public static class Spawner
{
    /// <summary>Environment variable by which the children of a run folder are found again.</summary>
    public const string Mark = "ROLLCALL_RUN_FOLDER";

    private static readonly BlockingCollection<Action> Work = StartThread();

    public static Task<Process> StartAsync(ProcessSpec spec, string runFolder)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Work.Add(() =>
        {
            try
            {
                started.SetResult(Process.Start(StartInfo(spec, runFolder))!);
            }
            catch (System.ComponentModel.Win32Exception failure)
            {
                started.SetException(new RunFailedException($"{spec.Name} does not start: {failure.Message}"));
            }
        });
        return started.Task;
    }

    // The death signal fires when the *thread* that forked ends, so no pool thread may fork: prctl(2), PR_SET_PDEATHSIG.
    private static BlockingCollection<Action> StartThread()
    {
        var work = new BlockingCollection<Action>();
        var thread = new Thread(() =>
        {
            foreach (var action in work.GetConsumingEnumerable())
            {
                action();
            }
        })
        {
            IsBackground = true,
            Name = "spawner",
        };
        thread.Start();
        return work;
    }

    private static ProcessStartInfo StartInfo(ProcessSpec spec, string runFolder)
    {
        // setpriv sets the signal after the change of user, which clears it. The shell sees to the moment before that:
        // had we died by then, nobody would tell the child. bash, since Debian's sh drops variables with a hyphen in
        // their name, such as services__directory-sync__grpc__0.
        var parent = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        string[] command =
        [
            "setpriv",
            .. Accounts.SetprivOptions(spec.User),
            "--pdeathsig",
            spec.DeathSignal,
            "bash",
            "-c",
            "[ \"$PPID\" = \"$0\" ] && exec \"$@\"",
            parent,
            spec.File,
            .. spec.Args,
        ];
        var info = new ProcessStartInfo("setsid", command)
        {
            WorkingDirectory = runFolder,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in spec.Environment)
        {
            info.Environment.Remove(name);
            if (value is not null)
            {
                info.Environment.Add(name, value);
            }
        }

        info.Environment[Mark] = runFolder;
        info.Environment["TMPDIR"] = Path.Combine(runFolder, RunFolder.Temporary);
        return info;
    }
}
