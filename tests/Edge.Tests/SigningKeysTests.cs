using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using Rollcall.Api.Directory.V1;

namespace Rollcall.Edge.Tests;

public sealed class SigningKeysTests(EdgeFixture fixture)
{
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    [Fact]
    public void Fill_FirstStart_MakesPrivateFilesAndKeepsThem()
    {
        using var temporary = new TemporaryFolder();
        var folder = new KeyFolder(temporary.Path);

        folder.Fill();
        var first = folder.Read(Now);
        folder.Fill();
        var second = folder.Read(Now);

        Assert.Equal(first.Signing.Select(k => k.KeyId), second.Signing.Select(k => k.KeyId));
        Assert.Equal(first.Encryption.Key, second.Encryption.Key);
        Assert.All(
            new DirectoryInfo(temporary.Path).EnumerateFiles(),
            file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, file.UnixFileMode)
        );
    }

    [Fact]
    public void Read_AfterRotation_PublishesTheNewKeyAtOnceAndSignsWithItAfterTheLead()
    {
        using var temporary = new TemporaryFolder();
        var folder = new KeyFolder(temporary.Path);
        folder.Fill();
        var old = folder.Read(Now).Signing.Single().KeyId;

        folder.Rotate(Now);
        var atOnce = folder.Read(Now).Signing;
        var later = folder.Read(Now + KeyFolder.Lead).Signing;

        Assert.Equal(2, atOnce.Count);
        Assert.Equal(old, atOnce[0].KeyId);
        Assert.NotEqual(old, later[0].KeyId);
        Assert.Equal(old, later[1].KeyId);
    }

    [Fact]
    public void Read_KeyUnderItsOwnName_ValidatesButDoesNotSign()
    {
        using var temporary = new TemporaryFolder();
        var folder = new KeyFolder(temporary.Path);
        folder.Rotate(Now);
        var signer = folder.Read(Now + KeyFolder.Lead).Signing[0].KeyId;
        using var own = RSA.Create(2048);
        File.WriteAllText(Path.Combine(temporary.Path, "signing-ours.pem"), own.ExportPkcs8PrivateKeyPem());

        var keys = folder.Read(Now + KeyFolder.Lead).Signing;

        Assert.Equal(3, keys.Count);
        Assert.Equal(signer, keys[0].KeyId);
    }

    /// <summary>Nobody restarts, and no call fails: a service that has read the old keys takes tokens of the new one.</summary>
    [Fact]
    public async Task Rotation_WhileRunning_KeepsOldTokensAndIssuesNewOnes()
    {
        using var temporary = new TemporaryFolder();
        var url = $"http://127.0.0.1:{EdgeFixture.FreePort()}";
        var msp = Guid.CreateVersion7();
        var (clientId, secret) = await fixture.AddAccountAsync("msp-admin", msp);
        await using var service = new Backend(url);
        await service.StartAsync();
        await using var edge = fixture.Start(
            ("Edge:SigningKeys", temporary.Path),
            ("Kestrel:Endpoints:http:Url", url),
            ("Identity:Authority", url),
            ("services:directory-sync:grpc:0", service.Url)
        );
        var oldToken = await fixture.TokenOfAsync(clientId, secret, edge);
        await edge.Client<ClientService.ClientServiceClient>(oldToken).ListClientsAsync(new());

        new KeyFolder(temporary.Path).Rotate(Now);
        edge.Services.GetRequiredService<SigningKeys>().Refresh(Now + KeyFolder.Lead);
        var newToken = await fixture.TokenOfAsync(clientId, secret, edge);

        Assert.NotEqual(new JsonWebToken(oldToken).Kid, new JsonWebToken(newToken).Kid);
        await edge.Client<ClientService.ClientServiceClient>(newToken).ListClientsAsync(new());
        await edge.Client<ClientService.ClientServiceClient>(oldToken).ListClientsAsync(new());
    }
}

/// <summary>A folder that goes with the test.</summary>
public sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("rollcall-edge-keys-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
