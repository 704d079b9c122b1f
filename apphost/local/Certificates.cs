using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Rollcall.Local;

/// <summary>The development CA with the emulator's TLS certificate, and the certificate our Graph application signs in with.</summary>
public sealed class Certificates
{
    private static readonly TimeSpan Renewal = TimeSpan.FromDays(30);
    private readonly DateTimeOffset now = TimeProvider.System.GetUtcNow();

    public Certificates(RunFolder folder)
    {
        Directory.CreateDirectory(folder.In("tls"));
        (CaFile, TlsFile, TlsKeyFile) = (
            folder.In("tls/ca.pem"),
            folder.In("tls/graph.pem"),
            folder.In("tls/graph.key")
        );
        AppFile = folder.In("tls/app.pem");
        if (!IsGood(CaFile) || !IsGood(TlsFile))
        {
            MakeTls(folder);
        }

        if (!IsGood(AppFile))
        {
            MakeApp(folder);
        }
    }

    public string CaFile { get; }
    public string TlsFile { get; }
    public string TlsKeyFile { get; }

    /// <summary>PEM with certificate and private key.</summary>
    public string AppFile { get; }

    private bool IsGood(string file)
    {
        if (!File.Exists(file))
        {
            return false;
        }

        using var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(file));
        return certificate.NotAfter.ToUniversalTime() > (now + Renewal).UtcDateTime;
    }

    private void MakeTls(RunFolder folder)
    {
        using var caKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var caRequest = new CertificateRequest("CN=Rollcall development CA", caKey, HashAlgorithmName.SHA256);
        caRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        caRequest.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true)
        );
        caRequest.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(caRequest.PublicKey, false));
        using var ca = caRequest.CreateSelfSigned(now.AddHours(-1), now.AddYears(1));

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        names.AddIpAddress(IPAddress.IPv6Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(ca, true, false));
        using var leaf = request.Create(
            ca,
            now.AddHours(-1),
            now.AddYears(1).AddSeconds(-1),
            RandomNumberGenerator.GetBytes(16)
        );

        // The CA's key is not kept: nobody can make another certificate this machine's tools would trust.
        folder.WritePrivate("tls/graph.key", key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(TlsFile, leaf.ExportCertificatePem());
        File.WriteAllText(CaFile, ca.ExportCertificatePem());
    }

    private void MakeApp(RunFolder folder)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=Rollcall", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(now.AddHours(-1), now.AddYears(1));
        folder.WritePrivate(
            "tls/app.pem",
            certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n"
        );
    }
}
