using System.Text.Json;
using Rollcall.GraphEmulator.Faults;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Graph;

/// <summary>One page of a round, read and written.</summary>
public static class DeltaPage
{
    private static readonly JsonEncodedText Context = JsonEncodedText.Encode("@odata.context");
    private static readonly JsonEncodedText NextLink = JsonEncodedText.Encode("@odata.nextLink");
    private static readonly JsonEncodedText DeltaLink = JsonEncodedText.Encode("@odata.deltaLink");

    public static GraphAnswer Answer(GraphCall call, DeltaToken token)
    {
        if (call.Faults.Has(FaultKind.EmptyPage))
        {
            return Write(call, token with { IssuedAt = call.Tenant.Now }, []);
        }

        var reader = new DeltaReader(call.Tenant, token, PageSize(call), call.Faults.Has(FaultKind.RemovedInInitial));
        var after = reader.Read();
        var entries = reader.Entries;
        if (call.Faults.Has(FaultKind.Duplicate) && entries.Count > 0)
        {
            // Some again at the end of this page, the last one again on the next.
            entries.AddRange([.. entries.Take(3)]);
            after =
                after.Page && entries.Count > 4 && after.At > token.At + 1
                    ? after with
                    {
                        At = after.At - 1,
                        Offset = 0,
                    }
                    : after;
        }

        if (call.Faults.Has(FaultKind.Shuffle))
        {
            call.Tenant.Random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(entries));
        }

        return Write(call, after.Page && call.Faults.Has(FaultKind.Circle) ? First(after) : after, entries);
    }

    /// <summary>The round's first page, by the same link all day.</summary>
    private static DeltaToken First(DeltaToken token) =>
        token with
        {
            At = 0,
            Offset = 0,
            IssuedAt = new(token.IssuedAt.UtcDateTime.Date, TimeSpan.Zero),
        };

    /// <summary>No objects, and a delta link for the token's end.</summary>
    public static GraphAnswer Empty(GraphCall call, DeltaToken token) => Write(call, Ended(token, call.Tenant.Now), []);

    /// <summary>The delta token that ends a round.</summary>
    public static DeltaToken Ended(DeltaToken token, DateTimeOffset now) =>
        token with
        {
            Page = false,
            Initial = false,
            Position = token.End,
            At = 0,
            Offset = 0,
            IssuedAt = now,
        };

    private static GraphAnswer Write(GraphCall call, DeltaToken after, List<DeltaEntry> entries) =>
        GraphAnswer.Json(writer =>
        {
            var schema = after.Schema;
            var context = after.Select is null ? "" : $"({after.Select})";
            writer.WriteString(Context, $"{call.BaseUrl}/$metadata#{schema.Collection}{context}");
            var option = after.Page ? "$skiptoken" : "$deltatoken";
            writer.WriteString(
                after.Page ? NextLink : DeltaLink,
                $"{call.BaseUrl}/{schema.Collection}/delta()?{option}={after.Encode()}"
            );
            writer.WriteStartArray(ObjectWriter.Value);
            foreach (var entry in entries)
            {
                WriteEntry(writer, schema, entry, Properties(call, entry, after.Mask));
            }

            writer.WriteEndArray();
        });

    private static void WriteEntry(Utf8JsonWriter writer, Schema schema, DeltaEntry entry, ulong mask)
    {
        writer.WriteStartObject();
        writer.WriteString(ObjectWriter.Id, entry.Target.Id);
        if (entry.Target.VisibleState != Existence.Active)
        {
            writer.WriteStartObject(ObjectWriter.Removed);
            writer.WriteString(
                ObjectWriter.Reason,
                entry.Target.VisibleState == Existence.Deleted ? "changed" : "deleted"
            );
            writer.WriteEndObject();
        }
        else
        {
            ObjectWriter.Properties(writer, schema, entry.Target.VisibleValues, mask, nullWhenUnset: false);
            if (entry.Links.Count > 0)
            {
                writer.WriteStartArray(schema.NavigationDelta);
                foreach (var (member, on) in entry.Links)
                {
                    ObjectWriter.Reference(writer, member, removed: !on);
                }

                writer.WriteEndArray();
            }
        }

        writer.WriteEndObject();
    }

    private static ulong Properties(GraphCall call, DeltaEntry entry, ulong selected)
    {
        var minimal = call.Header("Prefer")?.Contains("return=minimal", StringComparison.OrdinalIgnoreCase) == true;
        var mode = minimal ? PropertyMode.Minimal : call.Tenant.Settings.PropertyMode;
        return entry.Whole
            ? selected
            : mode switch
            {
                PropertyMode.Full => selected,
                PropertyMode.Minimal => selected & entry.Changed,
                PropertyMode.Sparse => selected & (entry.Changed | (ulong)call.Tenant.Random.NextInt64()),
                _ => throw new InvalidOperationException($"Unknown property mode {mode}."),
            };
    }

    private static int PageSize(GraphCall call)
    {
        const string preference = "odata.maxpagesize=";
        var prefer = call.Header("Prefer") ?? "";
        var at = prefer.IndexOf(preference, StringComparison.OrdinalIgnoreCase);
        var digits = at < 0 ? "" : new string([.. prefer[(at + preference.Length)..].TakeWhile(char.IsAsciiDigit)]);
        var largest = call.Tenant.Settings.PageSize;
        return int.TryParse(digits, System.Globalization.CultureInfo.InvariantCulture, out var wanted) && wanted > 0
            ? Math.Min(wanted, largest)
            : largest;
    }
}
