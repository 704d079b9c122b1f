using System.Diagnostics;
using Google.Rpc;
using Grpc.Core;
using Rollcall.Local.Processes;

namespace Rollcall.Local;

/// <summary>Runs the steps of the story one after the other and tells each on the console; the first that fails ends it.</summary>
public sealed class Story(string runFolder, CancellationToken ct)
{
    private readonly List<(string Chapter, string Title, TimeSpan Took)> steps = [];
    private readonly long begun = Stopwatch.GetTimestamp();
    private string chapter = "";
    private string[] lookAt = [];

    /// <param name="services">Whose logs tell more when a step of the chapter fails.</param>
    public void Chapter(string title, params string[] services)
    {
        (chapter, lookAt) = (title, services);
        Console.WriteLine();
        Console.WriteLine(title);
    }

    /// <param name="work">Does and checks the step; returns what to tell of it, a line or two.</param>
    public async Task StepAsync(string title, Func<Task<string>> work)
    {
        var start = Stopwatch.GetTimestamp();
        try
        {
            var told = await work();
            var took = Stopwatch.GetElapsedTime(start);
            steps.Add((chapter, title, took));
            Console.WriteLine($"  ok {took.TotalSeconds, 6:0.0} s  {title}");
            foreach (var line in told.Split('\n'))
            {
                Console.WriteLine($"                {line}");
            }
        }
        catch (ExpectationFailedException e)
        {
            throw Failed(title, e.Expected, e.Seen);
        }
        catch (RpcException) when (ct.IsCancellationRequested)
        {
            throw new OperationCanceledException(ct);
        }
        catch (RpcException e)
        {
            var reason = e.GetRpcStatus()?.GetDetail<ErrorInfo>()?.Reason;
            throw Failed(title, "every call to succeed", $"{e.StatusCode} {reason} \"{e.Status.Detail}\"");
        }
        catch (Exception e)
            when (e is HttpRequestException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            throw Failed(title, "an answer over HTTP", e.Message);
        }
    }

    /// <summary>The chapters with their number of steps and times, and the whole.</summary>
    public void Summarize(string memory)
    {
        Console.WriteLine();
        Console.WriteLine($"  {"chapter", -28} {"steps", 5} {"seconds", 8}");
        foreach (var part in steps.GroupBy(s => s.Chapter, StringComparer.Ordinal))
        {
            Console.WriteLine($"  {part.Key, -28} {part.Count(), 5} {part.Sum(s => s.Took.TotalSeconds), 8:0.0}");
        }

        Console.WriteLine($"  {"all", -28} {steps.Count, 5} {Stopwatch.GetElapsedTime(begun).TotalSeconds, 8:0.0}");
        Console.WriteLine($"  {memory}");
        Console.WriteLine();
    }

    private RunFailedException Failed(string title, string expected, string seen)
    {
        var logs = lookAt.Select(service => Path.Combine(runFolder, "logs", $"{service}.log"));
        return new(
            $"""

            FAILED   {chapter}: {title}
            expected {expected}
            saw      {seen}
            look at  {string.Join("\n         ", logs)}
            """
        );
    }
}
