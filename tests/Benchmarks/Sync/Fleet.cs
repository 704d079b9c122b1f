using System.Text.Json;
using Rollcall.DirectorySync.Graph;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.Benchmarks.Sync;

/// <summary>Many small clients, all of them read to the end: only what comes next counts.</summary>
public sealed class Fleet(Cloud cloud, Service service, TenantSettings settings)
{
    private readonly List<Tenant> tenants = [];

    public IReadOnlyList<Tenant> Tenants => tenants;

    /// <summary>None is due before <see cref="PollAsync"/>.</summary>
    public async Task AddAsync(int count, string every = "1 hour")
    {
        tenants.AddRange(Enumerable.Range(0, count).Select(_ => cloud.Add(users: 5, groups: 1, links: 5, settings)));
        using var http = new HttpClient(cloud.Emulator.CreateHandler());
        var cursors = new (string Users, string Groups)[count];
        await Parallel.ForAsync(
            0,
            count,
            new ParallelOptions { MaxDegreeOfParallelism = 64 },
            async (i, _) =>
                cursors[i] = (
                    await LatestAsync(http, tenants[i], "users", EntraProperties.UserSelect),
                    await LatestAsync(http, tenants[i], "groups", EntraProperties.GroupSelect)
                )
        );
        await using var command = service.Database.CreateCommand(
            """
            with d as (
              select *, gen_random_uuid() as msp, gen_random_uuid() as client from unnest($1, $2, $3) d (directory, users, groups)),
            m as (insert into msp (msp_id, display_name, created_at) select msp, 'MSP ' || msp, now() from d),
            c as (
              insert into client (client_id, msp_id, display_name, time_zone, leaver_after_days, roster_version, revision,
                created_at)
              select client, msp, 'Fleet', 'Etc/UTC', 30, 1, 1, now() from d)
            insert into client_sync (msp_id, client_id, directory_tenant_id, every, priority, disabled, fence, failures,
              cursor_version, requested_full, next_at, users_cursor, groups_cursor, cursor_select, last_success_at)
            select msp, client, directory, $4::interval, 5, false, 0, 0, 1, false, now() + interval '1 day', users, groups, $5, now()
            from d
            """
        );
        command.Parameters.Add(new() { Value = tenants.Select(t => t.Id).ToArray() });
        command.Parameters.Add(new() { Value = cursors.Select(c => c.Users).ToArray() });
        command.Parameters.Add(new() { Value = cursors.Select(c => c.Groups).ToArray() });
        command.Parameters.Add(new() { Value = every });
        command.Parameters.Add(new() { Value = EntraProperties.Signature });
        await command.ExecuteNonQueryAsync();
        await service.ExecuteAsync("vacuum analyze client_sync");
    }

    /// <summary>Makes all due at once and waits until each has been read.</summary>
    public async Task<TimeSpan> PollAsync()
    {
        // The client that warmed the service up has another interval.
        const string rest =
            "from client_sync where every = interval '1 hour' and next_at < now() + interval '20 minutes'";
        await service.ExecuteAsync("update client_sync set next_at = now() where every = interval '1 hour'");
        var start = TimeProvider.System.GetTimestamp();
        while (await service.ScalarAsync<long>($"select count(*) {rest}") > 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100));
            if (TimeProvider.System.GetElapsedTime(start) > TimeSpan.FromMinutes(3))
            {
                throw new InvalidOperationException("The fleet was not read within 3 minutes.");
            }
        }

        return TimeProvider.System.GetElapsedTime(start);
    }

    /// <summary>Where the stream stands now, without reading it.</summary>
    private async Task<string> LatestAsync(HttpClient http, Tenant tenant, string stream, string[] select)
    {
        using var request = new HttpRequestMessage(
            HttpMethod.Get,
            $"{cloud.Emulator.Address}v1.0/{stream}/delta?$select={string.Join(',', select)}&$deltatoken=latest"
        );
        request.Headers.Authorization = new("Bearer", Cloud.Token(tenant));
        using var response = await http.SendAsync(request);
        await using var body = await response.Content.ReadAsStreamAsync();
        using var page = await JsonDocument.ParseAsync(body);
        return page.RootElement.GetProperty("@odata.deltaLink").GetString()!;
    }
}
