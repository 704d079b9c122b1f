using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using CsvHelper;
using Grpc.Core;
using Rollcall.DirectorySync.Graph;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Csv;

/// <summary>Reads a list of people from CSV, or says everything that is wrong with it. No I/O.</summary>
public static class CsvPeople
{
    private const int MaxProblems = 50;

    private static readonly CsvReaderOptions Format = CsvReaderOptions.Default with
    {
        TrackLineNumbers = true,
        TrimWhitespace = true,
        MalformedData = CsvMalformedDataHandling.Throw,
        FieldCountMismatch = CsvFieldCountHandling.Throw,
    };

    private static readonly string[] Required = ["key", "display_name", "mail"];

    /// <summary>Columns by the property they fill; key, manager_key and enabled are read apart.</summary>
    private static readonly Dictionary<string, string> Properties = new(StringComparer.Ordinal)
    {
        ["display_name"] = "displayName",
        ["mail"] = "mail",
        ["given_name"] = "givenName",
        ["surname"] = "surname",
        ["department"] = "department",
        ["job_title"] = "jobTitle",
        ["company_name"] = "companyName",
        ["employee_type"] = "employeeType",
        ["office_location"] = "officeLocation",
        ["country"] = "country",
        ["city"] = "city",
        ["preferred_language"] = "preferredLanguage",
        ["hire_date"] = "employeeHireDate",
    };

    private static readonly string[] Others = ["key", "manager_key", "enabled"];

    /// <exception cref="AppException">CSV_INVALID, with up to 50 problems by line and column.</exception>
    public static List<UserEntry> Read(Guid clientId, ReadOnlyMemory<byte> content)
    {
        var problems = new List<string>();
        var rows = ReadRows(content, problems);
        var keys = rows.Select(r => r.Values["key"]).ToHashSet(StringComparer.Ordinal);
        var people = rows.Select(r => ToEntry(clientId, r, keys, problems)).ToList();
        foreach (var twice in rows.GroupBy(r => r.Values["key"], StringComparer.Ordinal).Where(g => g.Count() > 1))
        {
            problems.Add($"line {twice.Last().Line}: key {twice.Key} stands in line {twice.First().Line} already");
        }

        if (people.Count == 0 && problems.Count == 0)
        {
            problems.Add("the file names nobody");
        }

        return problems.Count == 0 ? people : throw Invalid(problems);
    }

    private sealed record Row(long Line, Dictionary<string, string> Values);

    private static List<Row> ReadRows(ReadOnlyMemory<byte> content, List<string> problems)
    {
        if (!Utf8.IsValid(content.Span))
        {
            throw Invalid(["the file is not UTF-8"]);
        }

        try
        {
            using var csv = CsvReader.Create(content, Format);
            csv.ReadHeader();
            if (csv.Headers is not { Count: > 0 } names)
            {
                throw Invalid(["the file is empty; it needs a header line"]);
            }

            var header = names.Select(h => h.ToLowerInvariant()).ToArray();
            problems.AddRange(
                Required.Except(header, StringComparer.Ordinal).Select(c => $"line 1: column {c} is missing")
            );
            problems.AddRange(
                header
                    .Except([.. Properties.Keys, .. Others], StringComparer.Ordinal)
                    .Select(c => $"line 1: column {c} is not known")
            );
            problems.AddRange(
                header
                    .GroupBy(c => c, StringComparer.Ordinal)
                    .Where(g => g.Count() > 1)
                    .Select(g => $"line 1: column {g.Key} stands there twice")
            );
            if (problems.Count > 0)
            {
                throw Invalid(problems);
            }

            var rows = new List<Row>();
            while (csv.Read())
            {
                var values = header.Select((name, i) => (name, csv.GetString(i)));
                rows.Add(new(csv.LineNumber, values.ToDictionary(StringComparer.Ordinal)));
            }

            return rows;
        }
        catch (CsvFormatException e)
        {
            throw Invalid([$"line {e.LineNumber}: quotes or the number of fields are wrong"]);
        }
    }

    private static UserEntry ToEntry(Guid clientId, Row row, HashSet<string> keys, List<string> problems)
    {
        // Nobody else waits for one person's address: without it they are escrowed.
        foreach (var column in Required.Where(c => c != "mail" && row.Values[c].Length == 0))
        {
            problems.Add($"line {row.Line}: {column} is empty");
        }

        if (row.Values["mail"] is { Length: > 0 } mail && !mail.Contains('@', StringComparison.Ordinal))
        {
            problems.Add($"line {row.Line}: mail is no address");
        }

        if (
            row.Values.GetValueOrDefault("hire_date") is { Length: > 0 } day
            && !DateOnly.TryParseExact(day, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _)
        )
        {
            problems.Add($"line {row.Line}: hire_date must be a day such as 2026-01-31");
        }

        var manager = row.Values.GetValueOrDefault("manager_key", "");
        if (manager.Length > 0 && !keys.Contains(manager))
        {
            problems.Add($"line {row.Line}: manager_key {manager} is no key of the file");
        }

        var enabled = row.Values.GetValueOrDefault("enabled", "").ToLowerInvariant();
        if (enabled is not ("" or "true" or "false"))
        {
            problems.Add($"line {row.Line}: enabled must be true or false");
        }

        return new(
            IdOf(clientId, row.Values["key"]),
            Removed: null,
            Patch(row, enabled),
            ManagerChanged: true,
            manager.Length > 0 ? IdOf(clientId, manager) : null
        )
        {
            ExternalId = row.Values["key"],
        };
    }

    private static PropertySet Patch(Row row, string enabled)
    {
        var patch = new PropertySet();
        patch.Set(EntraProperties.IndexOf("accountEnabled"), enabled == "false" ? "false" : "true");
        foreach (var (column, property) in Properties)
        {
            // The file is the whole truth: an empty cell, or a column that is not there, clears the property.
            var value = row.Values.GetValueOrDefault(column, "");
            patch.Set(EntraProperties.IndexOf(property), value.Length > 0 ? value : null);
        }

        return patch;
    }

    /// <summary>The same key of the same client is the same person in every file.</summary>
    private static Guid IdOf(Guid clientId, string key) =>
        new(SHA256.HashData([.. "csv"u8, .. clientId.ToByteArray(), .. Encoding.UTF8.GetBytes(key)]).AsSpan(0, 16));

    private static AppException Invalid(List<string> problems) =>
        new(
            StatusCode.InvalidArgument,
            "CSV_INVALID",
            string.Join("; ", problems.Take(MaxProblems))
                + (problems.Count > MaxProblems ? $"; and {problems.Count - MaxProblems} more" : "")
        )
        {
            Field = "content",
        };
}
