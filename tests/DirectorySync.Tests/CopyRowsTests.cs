using Rollcall.DirectorySync.Sync;

namespace Rollcall.DirectorySync.Tests;

public sealed class CopyRowsTests(DirectoryFixture service)
{
    [Fact]
    public async Task Send_EveryKindOfValue_IsReadBackAsItWas()
    {
        var id = Guid.CreateVersion7();
        var at = new DateTimeOffset(1999, 12, 31, 23, 59, 59, 123, 456, TimeSpan.FromHours(2));
        var texts = new[] { "", "Zoë \"O'Hara\"\n\t\\N", "👩‍🏫", new string('ж', 5000), null };
        await using var connection = await service.Owner.OpenConnectionAsync();
        await using var create = connection.CreateCommand();
        create.CommandText =
            "create temp table t_copy (n int, id uuid, flag boolean, at timestamptz, words text, raw text)";
        await create.ExecuteNonQueryAsync();
        var rows = new CopyRows(columns: 6);

        for (var batch = 0; batch < 3; batch++)
        {
            var taken = rows.Take();
            for (var i = 0; i < texts.Length && batch < 2; i++)
            {
                rows.Row()
                    .Add(texts[i] is null ? null : i - 2)
                    .Add(texts[i] is null ? null : id)
                    .Add(texts[i] is null ? null : i % 2 == 0)
                    .Add(at.AddTicks(10 * i))
                    .Add(texts[i])
                    .AddBytes("{\"ä\":1}"u8);
            }

            // The first time nothing, and then the rows of the time before, whatever has been added since.
            await CopyRows.SendAsync(taken, connection, "t_copy (n, id, flag, at, words, raw)", default);
        }

        Assert.True(rows.Take().IsEmpty);
        await using var read = connection.CreateCommand();
        read.CommandText = "select n, id, flag, at, words, raw from t_copy order by at, ctid";
        await using var reader = await read.ExecuteReaderAsync();
        for (var i = 0; i < 2 * texts.Length; i++)
        {
            Assert.True(await reader.ReadAsync());
            var text = texts[i / 2];
            object?[] wanted =
            [
                text is null ? null : (i / 2) - 2,
                text is null ? null : id,
                text is null ? null : i / 2 % 2 == 0,
                at.AddTicks(10 * (i / 2)).UtcDateTime,
                text,
                "{\"ä\":1}",
            ];
            var found = new object[wanted.Length];
            reader.GetValues(found);
            Assert.Equal(wanted, found.Select(v => v is DBNull ? null : v));
        }

        Assert.False(await reader.ReadAsync());
    }
}
